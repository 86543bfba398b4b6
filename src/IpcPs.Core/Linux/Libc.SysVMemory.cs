using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>shmget(2), shmop(2), shmctl(2).</summary>
internal static unsafe partial class Libc
{
    public const int SHM_RDONLY = 0x1000;
    public const ushort SHM_DEST = 0x200;

    /// <summary><c>struct shmid_ds</c> on 64-bit Linux, 112 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 112)]
    public struct SharedMemoryStatus
    {
        public IpcPerm Permissions;
        public ulong Size;
        public long AttachTime;
        public long DetachTime;
        public long ChangeTime;
        public int CreatorId;
        public int LastProcessId;
        public ulong Attached;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int shmget(int key, nuint size, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial void* shmat(int id, void* address, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int shmdt(void* address);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int shmctl(int id, int command, SharedMemoryStatus* status);
}
