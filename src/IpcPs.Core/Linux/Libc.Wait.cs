using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>Waiting: ppoll(2), epoll(7), eventfd(2), futex(2), sched_yield(2).</summary>
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

    // epoll(7)

    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    public const uint EPOLLIN = 1;

    /// <summary>Bytes of <c>struct epoll_event</c>, which is packed on x64 and nowhere else.</summary>
    public static readonly int EpollEventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Where in it the data begins.</summary>
    public static readonly int EpollDataOffset = EpollEventSize - 8;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_ctl(SafeDescriptor epoll, int operation, SafeDescriptor descriptor, byte* epollEvent);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_wait(SafeDescriptor epoll, byte* events, int count, int milliseconds);

    // futex(2), which libc has no function for

    public const int FUTEX_WAIT_BITSET = 9;
    public const int FUTEX_WAKE_BITSET = 10;
    public const int FUTEX_PRIVATE_FLAG = 128;
    public const uint FUTEX_BITSET_MATCH_ANY = 0xffffffff;

    private static readonly nint FutexNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => -1, // ENOSYS
    };

    /// <summary>futex(2) in the forms that wait and wake; the timeout is absolute on CLOCK_MONOTONIC.</summary>
    /// <returns>What the call gives; -1 with the errno set.</returns>
    public static long futex(void* word, int operation, uint value, Timespec* timeout, uint bits) =>
        syscall(FutexNumber, word, operation, value, timeout, null, bits);

    // syscall(2) is variadic; on the supported ABIs, integers and pointers are passed as if declared.
    [LibraryImport(Name, SetLastError = true)]
    private static partial nint syscall(nint number, void* word, nint operation, nuint value, Timespec* timeout, void* second, nuint bits);
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
    PeerHangUp = 0x2000,
}
