using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <summary>Opens and removes System V message queues by <c>sysvmq:KEY</c>.</summary>
internal sealed class SysVQueueMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.SysVMq];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        SysVQueue.OpenExisting(address, options.Access);

    public override void Remove(IpcAddress address) => SysVQueue.Remove(address);

    /// <summary>By looking again: the kernel announces a new queue to nobody.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        PollWithBackoff.Until(() => SysVQueue.Exists(address), address.Text, wait);
    }

    /// <summary>From /proc/sysvipc/msg (proc_sysvipc(5)).</summary>
    public override IEnumerable<IpcAddress> Known() => SysVTable.Addresses(IpcScheme.SysVMq);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => QueueInventory.SysV(scan);
}
