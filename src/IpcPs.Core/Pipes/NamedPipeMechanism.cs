using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;

namespace IpcPs.Pipes;

/// <summary>Opens and removes named pipes by <c>fifo:NAME</c> and <c>fifo:/path</c>.</summary>
internal sealed class NamedPipeMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Fifo];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        NamedPipe.Open(address, options.Access == IpcAccess.Default ? IpcAccess.ReadWrite : options.Access, options.Persistent, wait);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!FileStatus.Of(address.Path!, address.Text, "unlink").IsType(Libc.S_IFIFO)) throw new IpcException(IpcErrors.WrongKind, $"'{address.Path}' is not a named pipe, and is left alone.", address.Text);
        if (Libc.unlink(address.Path!) != 0) throw IpcException.FromErrno("unlink", Marshal.GetLastPInvokeError(), address.Text);
    }

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Name is not null) RuntimeFolder.Ensure();
        Inotify.WaitUntilExists(address.Path!, address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() => FileStatus.NamesIn(RuntimeFolder.Path, Libc.S_IFIFO).Select(static name => IpcAddress.Parse("fifo:" + name));

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => PipeInventory.Named(scan);
}
