using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>Child processes: posix_spawn(3), waitid(2), pidfd_open(2), kill(2).</summary>
internal static unsafe partial class Libc
{
    public const int P_PID = 1;
    public const int WEXITED = 4;
    public const int WNOWAIT = 0x1000000;
    public const int WNOHANG = 1;

    public const int CLD_EXITED = 1;
    public const int CLD_DUMPED = 3;

    public const int SIGKILL = 9;
    public const int SIGTERM = 15;
    public const int SIGSTOP = 19;

    // The size of the structure's first version, which the request contains.
    private const int PidfdInfoSize = 64;
    private const nuint PIDFD_GET_INFO = 0xC0000000 | (PidfdInfoSize << 16) | 0xFF0B;
    private const int PIDFD_INFO_EXIT = 1 << 3;

    // The same number on every architecture: these calls are younger than the common table (asm-generic/unistd.h).
    private const nint SYS_pidfd_send_signal = 424;
    private const nint SYS_pidfd_open = 434;
    private const nint SYS_pidfd_getfd = 438;

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

    /// <summary>pidfd_open(2); the descriptor is close-on-exec.</summary>
    public static int pidfd_open(int processId, uint flags) => (int)syscall(SYS_pidfd_open, processId, (nint)flags, 0, 0);

    /// <summary>pidfd_getfd(2): another process's descriptor, as one of this process; close-on-exec.</summary>
    public static int pidfd_getfd(int pidfd, int descriptor) => (int)syscall(SYS_pidfd_getfd, pidfd, descriptor, 0, 0);

    /// <summary>pidfd_send_signal(2): signals the process that the descriptor refers to, and never another one.</summary>
    public static int pidfd_send_signal(int pidfd, int signal) => (int)syscall(SYS_pidfd_send_signal, pidfd, signal, 0, 0);

    /// <summary>The wait status of a process that has ended, from its pidfd: also after it was waited for (ioctl_pidfd(2), Linux
    /// 6.15). Null where the kernel does not give it.</summary>
    public static int? ExitStatus(SafeDescriptor pidfd)
    {
        // struct pidfd_info: the mask is its first 8 bytes, the status its last 4.
        var info = stackalloc int[PidfdInfoSize / sizeof(int)];
        new Span<int>(info, PidfdInfoSize / sizeof(int)).Clear();
        info[0] = PIDFD_INFO_EXIT;
        return ioctl(pidfd, PIDFD_GET_INFO, info) == 0 && (info[0] & PIDFD_INFO_EXIT) != 0 ? info[PidfdInfoSize / sizeof(int) - 1] : null;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setpgid(int processId, int group);

    // syscall(2) is variadic; on the supported ABIs, integer arguments are passed as if declared.
    [LibraryImport(Name, SetLastError = true)]
    private static partial nint syscall(nint number, nint first, nint second, nint third, nint fourth);

    // posix_spawn(3)

    public const short POSIX_SPAWN_SETSIGDEF = 0x04;
    public const short POSIX_SPAWN_SETSIGMASK = 0x08;
    public const short POSIX_SPAWN_SETSID = 0x80;

    /// <summary>Buffer size for a posix_spawnattr_t (336 bytes in glibc on x64 and arm64, the same in musl).</summary>
    public const int SpawnAttributesSize = 512;

    /// <summary>Buffer size for a posix_spawn_file_actions_t (80 bytes).</summary>
    public const int SpawnActionsSize = 128;

    /// <summary>Buffer size for a sigset_t (128 bytes).</summary>
    public const int SignalSetSize = 128;

    // These return the errno instead of setting it.
    [LibraryImport(Name)]
    public static partial int posix_spawnp(int* processId, byte* file, void* actions, void* attributes, byte** arguments,
        byte** environment);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_addclose(void* actions, int descriptor);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_addopen(void* actions, int descriptor, byte* path, int flags, uint mode);

    [LibraryImport(Name)]
    public static partial int sigemptyset(void* set);

    [LibraryImport(Name)]
    public static partial int sigfillset(void* set);

    [LibraryImport(Name)]
    public static partial int sigdelset(void* set, int signal);
}
