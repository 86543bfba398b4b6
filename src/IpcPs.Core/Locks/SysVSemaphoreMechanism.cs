using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Proc;

namespace IpcPs.Locks;

/// <summary>Opens and removes System V semaphore sets, <c>sysvsem:KEY</c>.</summary>
internal sealed class SysVSemaphoreMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.SysVSem];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => SysVSemaphoreSet.Open(address);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        SysVSemaphoreSet.Remove(address);
    }

    /// <summary>By looking again: the kernel announces a new object to nobody.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        PollWithBackoff.Until(() => SysVSemaphoreSet.Exists(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() => SysVTable.Addresses(IpcScheme.SysVSem);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => LockInventory.Sets(scan);
}
