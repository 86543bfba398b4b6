using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>Files: statx(2), chown(2), fcntl(2) locks, inotify(7), mounts.</summary>
internal static unsafe partial class Libc
{
    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_SYMLINK_FOLLOW = 0x400;
    public const int AT_EMPTY_PATH = 0x1000;
    public const uint STATX_BASIC_STATS = 0x7ff;
    public const uint STATX_BTIME = 0x800;

    public const uint S_IFMT = 0xF000;
    public const uint S_IFSOCK = 0xC000;
    public const uint S_IFREG = 0x8000;
    public const uint S_IFDIR = 0x4000;
    public const uint S_IFIFO = 0x1000;

    [StructLayout(LayoutKind.Sequential)]
    public struct StatxTimestamp
    {
        public long Seconds;
        public uint Nanoseconds;
        public int Reserved;

        public readonly DateTime ToLocalTime() =>
            DateTimeOffset.FromUnixTimeSeconds(Seconds).AddTicks(Nanoseconds / 100).LocalDateTime;
    }

    /// <summary><c>struct statx</c>, 256 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    public struct Statx
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint UserId;
        public uint GroupId;
        public ushort Mode;
        private readonly ushort _spare;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatxTimestamp AccessTime;
        public StatxTimestamp BirthTime;
        public StatxTimestamp ChangeTime;
        public StatxTimestamp ModifyTime;
        public uint RawDeviceMajor;
        public uint RawDeviceMinor;
        public uint DeviceMajor;
        public uint DeviceMinor;

        public readonly bool IsType(uint type) => (Mode & S_IFMT) == type;
    }

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(int directory, string path, int flags, uint mask, Statx* result);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(SafeDescriptor directory, string path, int flags, uint mask, Statx* result);

    /// <summary>The beginning of <c>struct dirent</c> on 64-bit Linux; the name, with a NUL at its end, follows. The type is 0 where the
    /// file system does not say; else it is the S_IF… type without its 12 zero bits.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 19, Pack = 1)]
    public struct FolderEntry
    {
        public const int NameOffset = 19;

        public ulong Inode;
        public long Offset;
        public ushort Length;
        public byte Type;
    }

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint opendir(string path);

    [LibraryImport(Name, SetLastError = true)]
    public static partial FolderEntry* readdir(nint folder);

    [LibraryImport(Name)]
    public static partial int closedir(nint folder);

    /// <summary>The beginning of <c>struct statfs</c> on 64-bit Linux: sizes in blocks of <see cref="BlockSize"/> bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 120)]
    public struct FileSystemStatus
    {
        public long Type;
        public long BlockSize;
        public ulong Blocks;
        public ulong Free;
        public ulong Available;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fstatfs(SafeDescriptor fd, FileSystemStatus* result);

    // chown(2)

    /// <summary>To chown(2): leave the user, or the group, as it is.</summary>
    public const uint Unchanged = uint.MaxValue;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fchown(SafeDescriptor fd, uint userId, uint groupId);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int lchown(string path, uint userId, uint groupId);

    // fcntl(2): locks of the open file description. The kernel releases them with its last descriptor and mapping

    public const int F_OFD_GETLK = 36;
    public const int F_OFD_SETLK = 37;
    public const int F_OFD_SETLKW = 38;
    public const short F_RDLCK = 0;
    public const short F_WRLCK = 1;
    public const short F_UNLCK = 2;

    /// <summary><c>struct flock</c> of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }

    // dup(2)

    [LibraryImport(Name, SetLastError = true)]
    public static partial int dup3(SafeDescriptor from, SafeDescriptor to, int flags);

    // inotify(7)

    public const uint IN_ATTRIB = 0x4;
    public const uint IN_MOVED_TO = 0x80;
    public const uint IN_CREATE = 0x100;
    public const uint IN_CLOSE_WRITE = 0x8;
    public const uint IN_MASK_ADD = 0x20000000;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int inotify_init1(int flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int inotify_add_watch(SafeDescriptor notify, string path, uint mask);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int inotify_rm_watch(SafeDescriptor notify, int watch);

    // fsopen(2), fsconfig(2), fsmount(2): the numbers are the same on every architecture

    private const nint FsOpenNumber = 430;
    private const nint FsConfigNumber = 431;
    private const nint FsMountNumber = 432;
    private const nuint FSCONFIG_CMD_CREATE = 6;

    /// <summary>Mounts a file system outside the tree. It is unmounted when the descriptor is closed.</summary>
    /// <returns>The descriptor of its root, or -1 with the errno set: EPERM without CAP_SYS_ADMIN.</returns>
    public static int MountDetached(string type)
    {
        var fs = (int)FsOpen(FsOpenNumber, type, 1 /* FSOPEN_CLOEXEC */);
        if (fs < 0) return -1;
        using var context = new SafeDescriptor(fs);
        return FsConfig(FsConfigNumber, fs, FSCONFIG_CMD_CREATE, 0, 0, 0) < 0 ? -1
            : (int)FsMount(FsMountNumber, fs, 1 /* FSMOUNT_CLOEXEC */, 0);
    }

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint FsOpen(nint number, string type, nuint flags);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint FsConfig(nint number, nint fs, nuint command, nint key, nint value, nint auxiliary);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint FsMount(nint number, nint fs, nuint flags, nuint attributes);
}
