using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Files;

namespace IpcPs.Addresses;

/// <summary>The folder for objects with a bare name: <c>$XDG_RUNTIME_DIR/ipcps</c>, else <c>/tmp/ipcps-UID</c>; mode 0700, owned by the
/// current user, never a link.</summary>
/// <remarks>In /tmp any user can create that name first, and fill it with objects. So every use of a bare name gets its path from
/// <see cref="PathOf"/>, and every listing from <see cref="NamesIn"/>, which check the folder first.</remarks>
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

    /// <summary>Creates the folder if it is missing, and checks it.</summary>
    /// <remarks>Calls statx(2), mkdir(2), chmod(2).</remarks>
    /// <returns>The path.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>: it is a link, or another user owns it or may write to
    /// it.</exception>
    public static string Ensure()
    {
        var path = Path;
        Ensure(path, path);
        return path;
    }

    /// <summary>The path of an object, to be used in a system call. For a bare name the runtime folder is created if it is missing, and
    /// checked.</summary>
    /// <param name="address">An address that has a path.</param>
    /// <exception cref="IpcException">As <see cref="Ensure()"/>.</exception>
    internal static string PathOf(IpcAddress address)
    {
        var path = address.Path!;
        // The folder that the address was parsed for: the environment may have changed since.
        if (address.Name is not null) Ensure(System.IO.Path.GetDirectoryName(path)!, address.Text);
        return path;
    }

    /// <summary>The names of the files of one type in the folder; none where it is missing or may not be used.</summary>
    /// <param name="type">The S_IF… type.</param>
    /// <param name="problem">Why the folder may not be used, or null.</param>
    internal static List<string> NamesIn(uint type, out string? problem)
    {
        var path = Path;
        problem = FileStatus.TryOf(path) is { } status ? Refuse(path, path, status)?.Message : null;
        return problem is null ? FileStatus.NamesIn(path, type) : [];
    }

    private static void Ensure(string path, string target)
    {
        if (FileStatus.TryOf(path) is not { } status)
        {
            // Another process may create it at the same time.
            if (Libc.mkdir(path, (uint)OwnerOnly) != 0 && Marshal.GetLastPInvokeError() is var errno and not Errno.EEXIST)
                throw IpcException.FromErrno("mkdir", errno, path);
            status = FileStatus.Of(path, path);
        }
        if (Refuse(path, target, status) is { } refusal) throw refusal;
        if ((status.Mode & ~OwnerOnly) != 0) FilePermissions.SetMode(path, OwnerOnly, path);
    }

    private static IpcException? Refuse(string path, string target, in FileStatus status)
    {
        const UnixFileMode othersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        var why = !status.IsType(Libc.S_IFDIR) ? "is not a folder, or is a link to one"
            : status.UserId != Libc.geteuid() ? $"belongs to the user {status.Owner}"
            : (status.Mode & othersWrite) != 0 ? "can be written by other users, who may have put objects into it"
            : null;
        return why is null ? null : new IpcException(IpcErrors.AccessDenied, $"The runtime folder '{path}' {why}. It was not used.", target,
            "Remove it, or set XDG_RUNTIME_DIR to a folder that only you can write.");
    }
}
