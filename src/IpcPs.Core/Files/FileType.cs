using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>What kind of file something is (statx(2)).</summary>
internal static unsafe class FileType
{
    /// <summary>The S_IF… type at a path, links not followed; null where there is nothing, or nothing that we may look at.</summary>
    public static uint? Of(string path)
    {
        Libc.Statx stat;
        return Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &stat) == 0 ? stat.Mode & Libc.S_IFMT : null;
    }

    /// <summary>The S_IF… type of an open descriptor.</summary>
    public static uint Of(SafeDescriptor descriptor, IpcAddress? address)
    {
        Libc.Statx stat;
        return Libc.statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &stat) == 0 ? stat.Mode & Libc.S_IFMT
            : throw IpcException.FromErrno("statx", Marshal.GetLastPInvokeError(), address?.Text);
    }
}
