using IpcPs.Mechanisms;

namespace IpcPs.Inventory;

/// <summary>What IPC objects exist on this machine, of every mechanism, and who holds them.</summary>
/// <remarks>Reads /proc (one pass over the processes), /proc/sysvipc, /proc/net and the folders where named objects live. Changes nothing, and
/// opens nothing that a peer would notice: a named pipe is opened, without blocking, only where no process is seen that uses it or waits for it.</remarks>
public static class IpcInventory
{
    /// <summary>Lists the objects.</summary>
    /// <param name="schemes">Which mechanisms; empty for all.</param>
    /// <param name="all">Whether to list anonymous objects too (pipes, unnamed sockets).</param>
    /// <param name="problems">What could not be seen, each said once.</param>
    public static IReadOnlyList<IpcObjectInfo> List(IReadOnlyCollection<IpcScheme> schemes, bool all, out IReadOnlyList<InventoryProblem> problems)
    {
        ArgumentNullException.ThrowIfNull(schemes);
        var scan = new InventoryScan { All = all };
        var found = new List<IpcObjectInfo>();
        foreach (var mechanism in IpcMechanisms.All)
        {
            if (schemes.Count > 0 && !mechanism.Schemes.Any(schemes.Contains)) continue;
            found.AddRange(mechanism.Enumerate(scan).Where(i => schemes.Count == 0 || schemes.Contains(i.Address.Scheme)));
        }
        if (found.Count > 0 && (scan.Processes.Unseen > 0 || scan.Processes.HidesProcesses))
            scan.Missed("processes", $"{scan.Processes.Describe()}: what is held there is not shown{(CurrentUserId == 0 ? "" : " (root sees it)")}");
        problems = scan.Problems;
        return found;
    }

    /// <summary>The user that this process acts as (geteuid(2)).</summary>
    public static uint CurrentUserId => Libc.geteuid();

    /// <summary>Removes objects that were listed as stale, those that still are. Each is looked at again: who began to use one meanwhile keeps it. The files of named pipes,
    /// segments, semaphores, rings, mutexes and sockets have no name while that is found out, and get it back where somebody uses them.</summary>
    /// <param name="objects">What <see cref="List"/> gave.</param>
    /// <returns>What became of each.</returns>
    public static IReadOnlyList<IpcRemoval> RemoveStale(IReadOnlyCollection<IpcObjectInfo> objects)
    {
        ArgumentNullException.ThrowIfNull(objects);
        return StaleRemoval.Run(objects);
    }
}
