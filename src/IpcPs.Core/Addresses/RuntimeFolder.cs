using System.Globalization;
using System.Runtime.InteropServices;

namespace IpcPs.Addresses;

/// <summary>The folder in which bare names live: <c>$XDG_RUNTIME_DIR/ipcps</c>, else <c>/tmp/ipcps-UID</c>; mode 0700, owned by the
/// user, never a link.</summary>
public static unsafe class RuntimeFolder
{
    /// <summary>Where the folder is, or would be; no call is made.</summary>
    public static string Path
    {
        get
        {
            var xdg = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
            return !string.IsNullOrEmpty(xdg) && xdg.StartsWith('/') && Directory.Exists(xdg)
                ? System.IO.Path.Combine(xdg, "ipcps")
                : string.Create(CultureInfo.InvariantCulture, $"/tmp/ipcps-{Libc.getuid()}");
        }
    }

    /// <summary>Creates the folder where it is missing, and refuses one that another user made or that is a link: in /tmp anybody can
    /// create the name first.</summary>
    /// <remarks>Calls mkdir(2), statx(2), chmod(2).</remarks>
    /// <returns>The path.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>: it is not this user's own folder.</exception>
    public static string Ensure()
    {
        var path = Path;
        if (Libc.mkdir(path, 0x1C0 /* 0700 */) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.EEXIST) throw IpcException.FromErrno("mkdir", errno, path);
        }
        Libc.Statx stat;
        if (Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &stat) != 0)
            throw IpcException.FromErrno("statx", Marshal.GetLastPInvokeError(), path);
        if (!stat.IsType(Libc.S_IFDIR) || stat.UserId != Libc.geteuid())
            throw new IpcException(IpcErrors.AccessDenied, $"The runtime folder '{path}' is not a folder of this user's own.", path,
                "Remove it, or set XDG_RUNTIME_DIR to a folder that only you can write.");
        if ((stat.Mode & 0x3F) != 0 && Libc.chmod(path, 0x1C0) != 0)
            throw IpcException.FromErrno("chmod", Marshal.GetLastPInvokeError(), path);
        return path;
    }
}
