using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Proc;

namespace IpcPs.SharedMemory;

/// <summary>Opens and removes System V segments, <c>sysvshm:KEY</c>.</summary>
internal sealed class SysVSharedMemoryMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.SysVShm];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        SysVSharedMemory.Open(address, options.Access);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        SysVSharedMemory.Remove(address);
    }

    /// <summary>By looking again: the kernel announces a new object to nobody.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        PollWithBackoff.Until(() => SysVSharedMemory.Exists(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() => SysVTable.Addresses(IpcScheme.SysVShm);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => MemoryInventory.SysV(scan);
}
