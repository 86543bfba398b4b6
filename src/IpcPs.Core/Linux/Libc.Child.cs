using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>waitid(2), pidfd_open(2), pidfd_send_signal(2), kill(2): a child's life and end.</summary>
internal static unsafe partial class Libc
{
    public const int P_PID = 1;
    public const int WEXITED = 4;
    public const int WNOWAIT = 0x1000000;
    public const int WNOHANG = 1;

    public const int CLD_EXITED = 1;
    public const int CLD_KILLED = 2;
    public const int CLD_DUMPED = 3;

    public const int SIGKILL = 9;
    public const int SIGTERM = 15;
    public const int SIGSTOP = 19;

    // The same number on every architecture: these calls are younger than the common table (asm-generic/unistd.h).
    private const nint SYS_pidfd_send_signal = 424;
    private const nint SYS_pidfd_open = 434;

    /// <summary>The part of siginfo_t that waitid(2) fills in, 128 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    public struct ChildInfo
    {
        public int Signal;
        public int Errno;
        public int Code;
        private readonly int _padding;
        public int ProcessId;
        public uint UserId;
        public int Status;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int waitid(int idType, uint id, ChildInfo* info, int options);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int kill(int processId, int signal);

    /// <summary>pidfd_open(2); close-on-exec by its nature.</summary>
    public static int pidfd_open(int processId, uint flags) => (int)syscall(SYS_pidfd_open, processId, (nint)flags, 0, 0);

    /// <summary>pidfd_send_signal(2): reaches the process that the descriptor is of, or nobody.</summary>
    public static int pidfd_send_signal(int pidfd, int signal) => (int)syscall(SYS_pidfd_send_signal, pidfd, signal, 0, 0);

    // syscall(2) is variadic; on the ABIs that we run on, integer arguments are passed as if declared.
    [LibraryImport(Name, SetLastError = true)]
    private static partial nint syscall(nint number, nint first, nint second, nint third, nint fourth);
}
