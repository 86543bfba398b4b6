using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Files;

namespace IpcPs.Addresses;

/// <summary>The folder for objects with a bare name: <c>$XDG_RUNTIME_DIR/ipcps</c>, else <c>/tmp/ipcps-UID</c>; mode 0700, owned by the
/// current user, never a link.</summary>
public static class RuntimeFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The path of the folder, which need not exist.</summary>
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

    /// <summary>Creates the folder if it is missing. A folder of another user, or a link, is refused: in /tmp any user can create
    /// that name first.</summary>
    /// <remarks>Calls mkdir(2), statx(2), chmod(2).</remarks>
    /// <returns>The path.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>: it is not a folder of the current user.</exception>
    public static string Ensure()
    {
        var path = Path;
        if (Libc.mkdir(path, (uint)OwnerOnly) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.EEXIST) throw IpcException.FromErrno("mkdir", errno, path);
        }
        var stat = FileStatus.Of(path, path);
        if (!stat.IsType(Libc.S_IFDIR) || stat.UserId != Libc.geteuid())
            throw new IpcException(IpcErrors.AccessDenied, $"The runtime folder '{path}' is not a folder of the current user.", path,
                "Remove it, or set XDG_RUNTIME_DIR to a folder that only you can write.");
        if ((stat.Mode & ~OwnerOnly) != 0) FilePermissions.SetMode(path, OwnerOnly, path);
        return path;
    }
}
