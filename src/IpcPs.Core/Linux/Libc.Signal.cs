using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>Signals: sending them, receiving them as data, and interrupting a thread that is blocked in a call without a timeout.</summary>
internal static unsafe partial class Libc
{
    // sigaction(2): the flags of Linux on x64 and arm64.
    public const int SA_SIGINFO = 0x4;
    public const int SA_RESTART = 0x10000000;
    public const int SA_RESETHAND = unchecked((int)0x80000000);
    public const int SA_NODEFER = 0x40000000;

    public const nint SIG_DFL = 0;
    public const nint SIG_IGN = 1;

    public const int SFD_NONBLOCK = O_NONBLOCK;
    public const int SFD_CLOEXEC = O_CLOEXEC;

    public const int RLIMIT_SIGPENDING = 11;

    /// <summary>pidfd_send_signal(2): to the whole process group (Linux 6.9).</summary>
    public const uint PIDFD_SIGNAL_PROCESS_GROUP = 4;

    private static readonly nint SYS_rt_sigqueueinfo = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 138 : 129;

    /// <summary><c>siginfo_t</c> of 64-bit Linux, 128 bytes; what a signal sent by a process fills in, and SIGCHLD.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct SigInfo
    {
        [FieldOffset(0)] public int Signal;
        [FieldOffset(4)] public int Error;
        [FieldOffset(8)] public int Code;
        [FieldOffset(16)] public int ProcessId;
        [FieldOffset(20)] public uint UserId;
        [FieldOffset(24)] public ulong Value;
        [FieldOffset(24)] public int Status;
    }

    /// <summary><c>struct signalfd_siginfo</c>, 128 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct SignalFdInfo
    {
        [FieldOffset(0)] public uint Signal;
        [FieldOffset(8)] public int Code;
        [FieldOffset(12)] public int ProcessId;
        [FieldOffset(16)] public uint UserId;
        [FieldOffset(40)] public int Status;
        [FieldOffset(48)] public ulong Value;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getpgid(int processId);

    // signalfd(3) wants libc's sigset_t: 16 words, of which the kernel looks at the first.
    [LibraryImport(Name, SetLastError = true)]
    public static partial int signalfd(int fd, ulong* mask, int flags);

    [LibraryImport(Name)]
    public static partial int pthread_sigmask(int how, ulong* set, ulong* previous);

    [LibraryImport(Name)]
    public static partial int __libc_current_sigrtmin();

    [LibraryImport(Name)]
    public static partial int __libc_current_sigrtmax();

    /// <summary>pidfd_send_signal(2) with the value of sigqueue(3), or with null as kill(2) does.</summary>
    public static int pidfd_send_signal(SafeDescriptor process, int signal, SigInfo* info, uint flags)
    {
        var held = false;
        try
        {
            process.DangerousAddRef(ref held);
            return (int)syscall(SYS_pidfd_send_signal, process.Number, signal, (nint)info, (nint)flags);
        }
        finally
        {
            if (held) process.DangerousRelease();
        }
    }

    /// <summary>rt_sigqueueinfo(2), which has no wrapper in libc: sigqueue(3) chooses the code itself.</summary>
    public static int rt_sigqueueinfo(int processId, int signal, SigInfo* info) =>
        (int)syscall(SYS_rt_sigqueueinfo, processId, signal, (nint)info, 0);

    // tgkill(2), signal(2), siginterrupt(3)

    public const int SIGURG = 23;

    [LibraryImport(Name)]
    public static partial int gettid();

    [LibraryImport(Name)]
    public static partial int getpid();

    [LibraryImport(Name, SetLastError = true)]
    public static partial int tgkill(int processId, int threadId, int signal);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint signal(int signal, nint handler);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int siginterrupt(int signal, int interrupt);

    // sigaction(2)

    public const int SIGBUS = 7;

    /// <summary><c>struct sigaction</c> as libc has it on 64-bit Linux. What is not named is kept as it was.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 152)]
    public struct SigAction
    {
        public nint Handler;
        public fixed ulong Mask[16];
        public int Flags;
        private readonly nint _restorer;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sigaction(int signal, SigAction* action, SigAction* previous);
}
