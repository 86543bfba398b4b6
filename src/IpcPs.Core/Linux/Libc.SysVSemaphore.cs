using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>semget(2), semop(2), semctl(2).</summary>
internal static unsafe partial class Libc
{
    public const short SEM_UNDO = 0x1000;

    public const int GETPID = 11;
    public const int GETVAL = 12;
    public const int GETALL = 13;
    public const int GETNCNT = 14;
    public const int GETZCNT = 15;
    public const int SETVAL = 16;
    public const int SETALL = 17;

    /// <summary><c>struct sembuf</c>: one operation of semop(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SemaphoreOperation
    {
        public ushort Number;
        public short Change;
        public short Flags;
    }

    /// <summary><c>struct semid_ds</c> on 64-bit Linux: x64 keeps a reserved word after each time, arm64 none.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 104)]
    public struct SemaphoreSetStatus
    {
        public IpcPerm Permissions;
        public long OperationTime;
        private fixed ulong _rest[6];

        public readonly ulong Count => _rest[RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 3 : 1];
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int semget(int key, int count, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int semtimedop(int id, SemaphoreOperation* operations, nuint count, Timespec* timeout);

    // semctl(2) is variadic; on the ABIs that we run on, its one union argument is passed as a pointer would be.
    [LibraryImport(Name, SetLastError = true)]
    public static partial int semctl(int id, int number, int command, void* argument);
}
