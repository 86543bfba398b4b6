using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>statx(2): the one stat whose structure is the same on every architecture.</summary>
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
    public const uint S_IFLNK = 0xA000;
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
}
