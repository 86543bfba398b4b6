using IpcPs.Inventory;

namespace IpcPs.Connections;

/// <summary>Finds which processes have the same segment open, mapped or attached.</summary>
internal static class MemoryConnections
{
    public static void AddTo(ConnectionScan scan)
    {
        // A message that waits in shared memory belongs to its queue.
        if (scan.IsWanted(IpcScheme.Shm)) Add(scan, MemoryInventory.Posix(scan.Inventory).Where(static i => i.Channel is null));
        if (scan.IsWanted(IpcScheme.SysVShm)) Add(scan, MemoryInventory.SysV(scan.Inventory));
        if (scan.IsWanted(IpcScheme.MemFd)) Add(scan, MemoryInventory.Anonymous(scan.Inventory));
    }

    private static void Add(ConnectionScan scan, IEnumerable<IpcObjectInfo> segments)
    {
        foreach (var segment in segments)
        {
            if (segment.Holders.Count < 2) continue;
            var kind = ConnectionScan.Through(segment.Kind, segment.Address.Scheme, segment.Address);
            scan.AddPairs([.. segment.Holders.Select(static h => h.ProcessId).Distinct()], kind);
        }
    }
}
