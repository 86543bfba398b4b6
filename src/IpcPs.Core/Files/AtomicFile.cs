using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>A file that is made complete before anybody can find it: without a name first (O_TMPFILE), then linked to its name. So nobody ever opens a segment
/// without its size or a semaphore without its value, and a creator that is killed leaves nothing behind.</summary>
/// <remarks>Calls: open(2), fchmod(2), linkat(2).</remarks>
internal static class AtomicFile
{
    /// <summary>Makes a file without a name, on the file system of that folder.</summary>
    /// <returns>Its descriptor; null where the file system has no such files.</returns>
    public static SafeDescriptor? Create(string folder, UnixFileMode mode, string target)
    {
        var fd = Libc.open(folder, Libc.O_TMPFILE | Libc.O_RDWR | Libc.O_CLOEXEC, 0x180 /* 0600 */);
        if (fd < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno is Errno.EOPNOTSUPP or Errno.EISDIR or Errno.EINVAL ? null : throw IpcException.FromErrno("open", errno, target);
        }
        var file = new SafeDescriptor(fd);
        if (Libc.fchmod(file, (uint)mode) == 0) return file;
        var failure = Marshal.GetLastPInvokeError();
        file.Dispose();
        throw IpcException.FromErrno("fchmod", failure, target);
    }

    /// <summary>Gives it its name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>.</exception>
    public static void Publish(SafeDescriptor file, string path, string target)
    {
        if (Libc.linkat(Libc.AT_FDCWD, $"/proc/self/fd/{file.Number}", Libc.AT_FDCWD, path, Libc.AT_SYMLINK_FOLLOW) != 0)
            throw IpcException.FromErrno("linkat", Marshal.GetLastPInvokeError(), target);
    }

    /// <summary>Makes a file under its name at once, where the other way is not to be had.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>.</exception>
    public static SafeDescriptor CreateInPlace(string path, UnixFileMode mode, string target)
    {
        var fd = Libc.open(path, Libc.O_CREAT | Libc.O_EXCL | Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0x180 & (uint)mode);
        if (fd < 0) throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), target);
        var file = new SafeDescriptor(fd);
        _ = Libc.fchmod(file, (uint)mode);
        return file;
    }
}
