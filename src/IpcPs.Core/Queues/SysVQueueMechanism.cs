using System.Globalization;
using IpcPs.Inventory;
using IpcPs.Mechanisms;

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

    /// <summary>From /proc/sysvipc/msg (proc_sysvipc(5)): key, id and mode, and what else ipcs(1) shows.</summary>
    public override IEnumerable<IpcAddress> Known()
    {
        var known = new List<IpcAddress>();
        try
        {
            foreach (var line in File.ReadLines("/proc/sysvipc/msg").Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length < 2 || !int.TryParse(fields[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var key)) continue;
                var text = key == 0 ? $"sysvmq:id={fields[1]}" : $"sysvmq:{SysVKey.FromNumber(key)}";
                if (IpcAddress.TryParse(text, out var address)) known.Add(address!);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing to offer then.
        }
        return known;
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => QueueInventory.SysV(scan);
}
