using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>inotify(7).</summary>
internal static partial class Libc
{
    public const uint IN_ATTRIB = 0x4;
    public const uint IN_MOVED_TO = 0x80;
    public const uint IN_CREATE = 0x100;
    public const uint IN_CLOSE_WRITE = 0x8;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int inotify_init1(int flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int inotify_add_watch(SafeDescriptor notify, string path, uint mask);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int inotify_rm_watch(SafeDescriptor notify, int watch);
}
