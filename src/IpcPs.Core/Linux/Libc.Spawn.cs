using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>posix_spawn(3) and what sets it up.</summary>
internal static unsafe partial class Libc
{
    public const short POSIX_SPAWN_SETPGROUP = 0x02;
    public const short POSIX_SPAWN_SETSIGDEF = 0x04;
    public const short POSIX_SPAWN_SETSIGMASK = 0x08;

    /// <summary>Room for a posix_spawnattr_t (336 bytes in glibc on x64 and arm64, the same in musl).</summary>
    public const int SpawnAttributesSize = 512;

    /// <summary>Room for a posix_spawn_file_actions_t (80 bytes).</summary>
    public const int SpawnActionsSize = 128;

    /// <summary>Room for a sigset_t (128 bytes).</summary>
    public const int SignalSetSize = 128;

    // These return the errno instead of setting it.
    [LibraryImport(Name)]
    public static partial int posix_spawnp(int* processId, byte* file, void* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setpgroup(void* attributes, int group);

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
