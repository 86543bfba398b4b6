namespace IpcPs.Linux;

/// <summary>Changes what IPC_SET of shmctl(2) and semctl(2) will set.</summary>
internal delegate void PermissionChange(ref Libc.IpcPerm permissions);
