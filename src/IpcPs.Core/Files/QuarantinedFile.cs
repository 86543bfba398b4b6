using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IpcPs.Inventory;
using IpcPs.Sockets.Server;

namespace IpcPs.Files;

/// <summary>The file of an object that may be stale, renamed so that no process can open it any more. Processes that opened it before are
/// found by a scan that begins after the renaming. Then the file is removed, or gets its name back.</summary>
/// <remarks>Calls: rename(2), link(2), unlink(2).</remarks>
internal sealed class QuarantinedFile
{
    private readonly IpcObjectInfo _object;
    private readonly string _hidden;

    private QuarantinedFile(IpcObjectInfo info, string hidden)
    {
        _object = info;
        _hidden = hidden;
    }

    /// <summary>Renames an object's file.</summary>
    /// <returns>Null where the object is gone, or another one has its name now.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>.</exception>
    public static QuarantinedFile? TryQuarantine(IpcObjectInfo info)
    {
        var path = info.File!;
        if (!Equals(FileStatus.TryOf(path)?.Id, info.Identity)) return null;
        // Short, because a socket's path can have 107 bytes only.
        var hidden = Path.Combine(Path.GetDirectoryName(path)!, ".ipcps-" + RandomNumberGenerator.GetHexString(10, lowercase: true));
        if (Libc.rename(path, hidden) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == Errno.ENOENT ? null
                : throw IpcException.FromErrno("rename", errno, info.Address.Text, "Only its owner and root may remove it.");
        }
        var file = new QuarantinedFile(info, hidden);
        if (Equals(FileStatus.TryOf(hidden)?.Id, info.Identity)) return file;
        // Another object got the name in between.
        file.Restore();
        return null;
    }

    /// <summary>Removes the file where no process uses it; otherwise gives it its name back.</summary>
    /// <param name="scan">A scan that began after the file was renamed.</param>
    public (bool Removed, string Reason) RemoveIfStale(InventoryScan scan)
    {
        var (stale, reason) = Evaluate(scan);
        if (stale) _ = Libc.unlink(_hidden);
        else Restore();
        return (stale, reason);
    }

    /// <summary>Gives the file its name back, unless another object has been created there since.</summary>
    public void Restore()
    {
        if (Libc.linkat(Libc.AT_FDCWD, _hidden, Libc.AT_FDCWD, _object.File!, 0) != 0 && Marshal.GetLastPInvokeError() != Errno.EEXIST)
        {
            // A file system without hard links.
            _ = Libc.rename(_hidden, _object.File!);
            return;
        }
        _ = Libc.unlink(_hidden);
    }

    private (bool Stale, string Reason) Evaluate(InventoryScan scan)
    {
        if (_object.Address.Scheme == IpcScheme.Unix)
        {
            if (!IpcAddress.TryParse("unix:" + _hidden, out var address))
                return (false, "not proven: its path is too long for a socket address");
            return SocketFile.IsAlive(address!) == false ? (true, _object.Reason)
                : (false, "a server uses it again");
        }
        if (FileStatus.TryOf(_hidden) is not { } status) return (false, "gone meanwhile");
        return scan.EvaluateByHolders(_hidden, scan.HoldersOf(status), status);
    }
}
