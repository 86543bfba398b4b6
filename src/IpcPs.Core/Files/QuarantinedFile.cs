using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IpcPs.Inventory;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Files;

/// <summary>An object's file that has been given a name that nobody knows, until it is certain that nobody uses it: who opened it before has been, or will be, seen;
/// nobody can open it after. Then it is removed, or given its name back.</summary>
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

    /// <summary>Takes an object's name away.</summary>
    /// <returns>Null where the object is gone, or another has its name now.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>.</exception>
    public static QuarantinedFile? TryHide(IpcObjectInfo info)
    {
        var path = info.File!;
        if (!Equals(FileId.OfPath(path, out _), info.Identity)) return null;
        // Short: a socket's path has little room.
        var hidden = Path.Combine(Path.GetDirectoryName(path)!, ".ipcps-" + RandomNumberGenerator.GetHexString(10, lowercase: true));
        if (Libc.rename(path, hidden) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == Errno.ENOENT ? null : throw IpcException.FromErrno("rename", errno, info.Address.Text, "Only its owner and root may remove it.");
        }
        var file = new QuarantinedFile(info, hidden);
        if (Equals(FileId.OfPath(hidden, out _), info.Identity)) return file;
        // Another object took the name in between.
        file.Restore();
        return null;
    }

    /// <summary>Removes the file where nobody uses it; else gives it its name back.</summary>
    /// <param name="scan">A scan that was begun after the file was hidden.</param>
    public (bool Removed, string Reason) Decide(InventoryScan scan)
    {
        var (stale, reason) = Evaluate(scan);
        if (stale) _ = Libc.unlink(_hidden);
        else Restore();
        return (stale, reason);
    }

    /// <summary>Gives the file its name back, unless another has been made under it since.</summary>
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
            if (!IpcAddress.TryParse("unix:" + _hidden, out var address)) return (false, "not proven: its path is too long to ask");
            return SocketFile.IsAlive(address!, NativeSocketAddress.Of(address!)) == false ? (true, _object.Reason) : (false, "a server uses it again");
        }
        if (FileId.OfPath(_hidden, out var stat) is not { } file) return (false, "gone meanwhile");
        return scan.JudgeByHolders(_hidden, scan.HoldersOf(file, stat), stat);
    }
}
