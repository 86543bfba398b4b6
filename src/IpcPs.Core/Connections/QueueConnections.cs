using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Proc;

namespace IpcPs.Connections;

/// <summary>Finds which processes send to which queue, and which ones receive from it. A POSIX queue has descriptors. Of a System V queue
/// the kernel records only the last sender and the last receiver; processes that wait for it are found by their system calls.</summary>
internal static class QueueConnections
{
    public static void AddTo(ConnectionScan scan)
    {
        if (scan.IsWanted(IpcScheme.Mq))
        {
            foreach (var queue in QueueInventory.Posix(scan.Inventory))
            {
                if (queue.Holders.Count < 2 || queue.Identity is not FileId file) continue;
                scan.AddByAccess(scan.ByFile[file], ConnectionScan.Through(queue.Kind, IpcScheme.Mq, queue.Address) with
                {
                    Depth = queue.Depth,
                    DepthUnit = queue.Depth is null ? null : ConnectionScan.Messages,
                });
            }
        }
        if (!scan.IsWanted(IpcScheme.SysVMq)) return;
        foreach (var row in scan.Inventory.SysVRows(IpcScheme.SysVMq)) AddSysV(scan, row);
    }

    private static void AddSysV(ConnectionScan scan, SysVRow row)
    {
        var waiting = scan.Calls.Where(c => (c.Call.IsMsgSnd || c.Call.IsMsgRcv) && (long)c.Call.First == row.Id).ToList();
        var full = waiting.Where(static c => c.Call.IsMsgSnd).Select(static c => c.ProcessId).ToHashSet();
        var senders = WithLast(full, (int)row["lspid"]);
        var receivers = WithLast([.. waiting.Where(static c => c.Call.IsMsgRcv).Select(static c => c.ProcessId)], row.LastReceiver);
        var kind = ConnectionScan.Through("System V message queue", IpcScheme.SysVMq, row.Address) with
        {
            Depth = row["qnum"],
            DepthUnit = ConnectionScan.Messages,
        };
        foreach (var sender in senders)
        {
            var state = full.Contains(sender) ? IpcConnectionState.Waits : IpcConnectionState.Open;
            foreach (var receiver in receivers) scan.Add(sender, receiver, kind with { State = state });
        }

        HashSet<int> WithLast(HashSet<int> known, int last) => scan.Processes.IsAlive(last) ? [.. known, last] : known;
    }
}
