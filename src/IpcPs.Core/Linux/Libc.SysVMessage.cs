using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>msgget(2), msgsnd(2), msgrcv(2), msgctl(2): System V message queues.</summary>
internal static unsafe partial class Libc
{
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

    public static int msgsnd(int queue, byte* message, nuint length, int flags) => (int)KeepErrno(PlainMsgSnd(queue, message, length, flags));

    public static nint msgrcv(int queue, byte* message, nuint room, nint type, int flags) => KeepErrno(PlainMsgRcv(queue, message, room, type, flags));

    [LibraryImport(Name, SetLastError = true)]
    public static partial int msgctl(int queue, int command, MessageQueueStatus* status);

    [LibraryImport(Name, EntryPoint = "msgsnd")]
    private static partial int PlainMsgSnd(int queue, byte* message, nuint length, int flags);

    [LibraryImport(Name, EntryPoint = "msgrcv")]
    private static partial nint PlainMsgRcv(int queue, byte* message, nuint room, nint type, int flags);
}
