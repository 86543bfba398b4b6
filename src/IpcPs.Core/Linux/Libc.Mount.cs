using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>fsopen(2), fsconfig(2), fsmount(2): a file system that only the caller sees. Their numbers are the same on every architecture.</summary>
internal static unsafe partial class Libc
{
    private const nint FsOpenNumber = 430;
    private const nint FsConfigNumber = 431;
    private const nint FsMountNumber = 432;
    private const nuint FSCONFIG_CMD_CREATE = 6;

    /// <summary>Mounts a file system without a place in the tree; gone when the descriptor is closed.</summary>
    /// <returns>The descriptor of its root, or -1 with the errno set: mostly EPERM, for CAP_SYS_ADMIN is needed.</returns>
    public static int MountDetached(string type)
    {
        var fs = (int)FsOpen(FsOpenNumber, type, 1 /* FSOPEN_CLOEXEC */);
        if (fs < 0) return -1;
        using var context = new SafeDescriptor(fs);
        return FsConfig(FsConfigNumber, fs, FSCONFIG_CMD_CREATE, 0, 0, 0) < 0 ? -1 : (int)FsMount(FsMountNumber, fs, 1 /* FSMOUNT_CLOEXEC */, 0);
    }

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint FsOpen(nint number, string type, nuint flags);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint FsConfig(nint number, nint fs, nuint command, nint key, nint value, nint auxiliary);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint FsMount(nint number, nint fs, nuint flags, nuint attributes);
}
