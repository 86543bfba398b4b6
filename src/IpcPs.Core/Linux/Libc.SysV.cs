using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>sysvipc(7): System V message queues, semaphore sets and shared memory.</summary>
internal static unsafe partial class Libc
{
    public const int IPC_PRIVATE = 0;
    public const int IPC_CREAT = 0x200;
    public const int IPC_EXCL = 0x400;
    public const int IPC_NOWAIT = 0x800;

    public const int IPC_RMID = 0;
    public const int IPC_SET = 1;
    public const int IPC_STAT = 2;

    /// <summary><c>struct ipc_perm</c> on 64-bit Linux, 48 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 48)]
    public struct IpcPerm
    {
        public int Key;
        public uint UserId;
        public uint GroupId;
        public uint CreatorUserId;
        public uint CreatorGroupId;
        // 16 or 32 bits wide, depending on libc; the upper half is padding where it is 16.
        public ushort Mode;
        private readonly ushort _modePadding;
        public ushort Sequence;
        private readonly ushort _padding;
        private readonly uint _padding2;
        private readonly ulong _reserved1;
        private readonly ulong _reserved2;
    }

    // msgget(2), msgop(2), msgctl(2)

    public const int MSG_EXCEPT = 0x2000;
    public const int MSG_COPY = 0x4000;

    /// <summary><c>struct msqid_ds</c> on 64-bit Linux, 120 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 120)]
    public struct MessageQueueStatus
    {
        public IpcPerm Permissions;
        public long SendTime;
        public long ReceiveTime;
        public long ChangeTime;
        public ulong CurrentBytes;
        public ulong CurrentMessages;
        public ulong MaxBytes;
        public int LastSender;
        public int LastReceiver;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int msgget(int key, int flags);

    public static int msgsnd(int queue, byte* message, nuint length, int flags) =>
        (int)KeepErrno(PlainMsgSnd(queue, message, length, flags));

    public static nint msgrcv(int queue, byte* message, nuint size, nint type, int flags) =>
        KeepErrno(PlainMsgRcv(queue, message, size, type, flags));

    [LibraryImport(Name, SetLastError = true)]
    public static partial int msgctl(int queue, int command, MessageQueueStatus* status);

    [LibraryImport(Name, EntryPoint = "msgsnd")]
    private static partial int PlainMsgSnd(int queue, byte* message, nuint length, int flags);

    [LibraryImport(Name, EntryPoint = "msgrcv")]
    private static partial nint PlainMsgRcv(int queue, byte* message, nuint size, nint type, int flags);

    // semget(2), semop(2), semctl(2)

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

    // semctl(2) is variadic; on the supported ABIs, its one union argument is passed as a pointer would be.
    [LibraryImport(Name, SetLastError = true)]
    public static partial int semctl(int id, int number, int command, void* argument);

    // shmget(2), shmop(2), shmctl(2)

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

/// <summary>Changes the permissions that IPC_SET will set.</summary>
internal delegate void PermissionChange(ref Libc.IpcPerm permissions);
