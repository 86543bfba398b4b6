using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;

namespace IpcPs.Locks;

/// <summary>Opens and removes mutexes by <c>mutex:NAME</c>.</summary>
internal sealed class MutexMechanism : IpcMechanism
{
    private const string Suffix = ".mutex";

    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Mutex];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => IpcMutex.Open(address);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (Libc.unlink(IpcMutex.PathOf(address)) != 0) throw IpcException.FromErrno("unlink", Marshal.GetLastPInvokeError(), address.Text);
    }

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        RuntimeFolder.Ensure();
        Inotify.WaitUntilExists(IpcMutex.PathOf(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() =>
        from name in FileStatus.NamesIn(RuntimeFolder.Path, Libc.S_IFREG)
        where name.EndsWith(Suffix, StringComparison.Ordinal) && IpcAddress.TryParse("mutex:" + name[..^Suffix.Length], out _)
        select IpcAddress.Parse("mutex:" + name[..^Suffix.Length]);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => LockInventory.Mutexes(scan, Known());
}
