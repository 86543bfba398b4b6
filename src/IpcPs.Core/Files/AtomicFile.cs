using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Files;

/// <summary>A file that is complete before any process can find it: it is created without a name (O_TMPFILE), then linked to its name. So
/// no
/// process opens a segment without its size or a semaphore without its value, and a creator that is killed leaves nothing behind.</summary>
/// <remarks>Calls: open(2), fchmod(2), linkat(2).</remarks>
internal static class AtomicFile
{
    /// <summary>Creates a file without a name, on the file system of that folder.</summary>
    /// <returns>Its descriptor; null where the file system does not support that.</returns>
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

    /// <summary>Gives the file its name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>.</exception>
    public static void Publish(SafeDescriptor file, string path, string target)
    {
        if (Libc.linkat(Libc.AT_FDCWD, ProcFile.Descriptor(file.Number), Libc.AT_FDCWD, path, Libc.AT_SYMLINK_FOLLOW) != 0)
            throw IpcException.FromErrno("linkat", Marshal.GetLastPInvokeError(), target);
    }

    /// <summary>Creates a file with its name at once: for where <see cref="Create"/> is not supported.</summary>
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
