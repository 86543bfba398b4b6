namespace IpcPs.Module.Commands.SharedMemory;

/// <summary>Which shared memory <c>New-IpcSharedMemory</c> makes.</summary>
public enum IpcSharedMemoryKind
{
    /// <summary>POSIX shared memory: a name; shm_overview(7).</summary>
    Posix,
    /// <summary>A System V segment: a key; sysvipc(7).</summary>
    SysV,
    /// <summary>A mapped file: a path; mmap(2).</summary>
    File,
    /// <summary>No name: passed on as a descriptor, gone when nobody has it open; memfd_create(2).</summary>
    Anonymous,
}
