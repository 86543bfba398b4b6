using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Rings.Algorithm;
using IpcPs.Transports;

namespace IpcPs.Rings;

/// <summary>Opens and removes message rings by <c>ring:/NAME</c>.</summary>
internal sealed class RingMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Ring];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        MessageRing.Open(address, options.Access, options.Persistent, wait);

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new RingTransportFactory()];

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var path = RingFile.PathOf(address);
        // Also a damaged ring, or a file that is not a ring: as long as it exists, no ring can have its name.
        if (!FileStatus.Of(path, address.Text, "unlink").IsType(Libc.S_IFREG))
            throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a ring, so it was not removed.", address.Text);
        // Participants that have it open go on, and the last one removes its messages in shared memory.
        var large = RingFile.IsInUse(address) ? [] : LargeMessage.NamesOf(address);
        if (Libc.unlink(path) != 0) throw IpcException.FromErrno("unlink", Marshal.GetLastPInvokeError(), address.Text);
        LargeMessage.Remove(large);
    }

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        Inotify.WaitUntilExists(RingFile.PathOf(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known()
    {
        var isRing = static (string name) => name.StartsWith(RingFile.Prefix, StringComparison.Ordinal);
        foreach (var file in FileStatus.NamesIn(RingFile.Folder, Libc.S_IFREG, isRing))
        {
            if (IpcAddress.TryParse("ring:/" + file[RingFile.Prefix.Length..], out var address)) yield return address!;
        }
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) =>
        Known().Select(address => scan.OfFile(address, "message ring", RingFile.PathOf(address))).OfType<IpcObjectInfo>();
}
