using IpcPs.Interop;

namespace IpcPs.Memory;

/// <summary>Opens and removes System V segments, <c>sysvshm:KEY</c>.</summary>
internal sealed class SysVSharedMemoryMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.SysVShm];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, Deadline deadline, CancellationToken cancellation) =>
        SysVSharedMemory.Open(address, options.Access);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        SysVSharedMemory.Remove(address);
    }

    /// <summary>By looking again: the kernel announces a new object to nobody.</summary>
    public override void WaitUntilExists(IpcAddress address, Deadline deadline, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(address);
        LookAgain.Until(() => SysVSharedMemory.Exists(address), address.Text, deadline, cancellation);
    }

    public override IEnumerable<IpcAddress> Known() => SysVTable.Addresses("shm", "sysvshm");

    internal override IEnumerable<IpcObjectInfo> Enumerate(Inventory.InventoryScan scan) => MemoryInventory.SysV(scan);
}
