using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>ppoll(2), eventfd(2), sched_yield(2): what <see cref="Waiter"/> waits with.</summary>
internal static unsafe partial class Libc
{
    public const int EFD_NONBLOCK = O_NONBLOCK;
    public const int EFD_CLOEXEC = O_CLOEXEC;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Descriptor;
        public PollEvents Requested;
        public PollEvents Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;

        public static Timespec FromNanoseconds(long nanoseconds) =>
            new() { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ppoll(PollFd* descriptors, nuint count, Timespec* timeout, void* signalMask);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int eventfd(uint initial, int flags);

    [LibraryImport(Name)]
    public static partial int sched_yield();
}

/// <summary>What poll(2) is asked for and answers.</summary>
[Flags]
internal enum PollEvents : short
{
    None = 0,
    In = 0x1,
    Out = 0x4,
    Error = 0x8,
    HangUp = 0x10,
    Invalid = 0x20,
}
