using IpcPs.Mechanisms;

namespace IpcPs.Inventory;

/// <summary>Lists the IPC objects that exist on this machine, of every mechanism, and the processes that hold them.</summary>
/// <remarks>Reads /proc (at most one pass over the processes), /proc/sysvipc, /proc/net and the folders of named objects. Changes nothing,
/// and does nothing that a peer would notice. A named pipe is opened, without blocking, only where no visible process uses it or waits for
/// it.</remarks>
public static class IpcInventory
{
    /// <summary>Lists the objects.</summary>
    /// <param name="schemes">Which mechanisms; empty for all.</param>
    /// <param name="all">Whether to list anonymous objects too (pipes, unnamed sockets).</param>
    /// <param name="problems">What could not be seen, each thing once.</param>
    public static IReadOnlyList<IpcObjectInfo> List(IReadOnlyCollection<IpcScheme> schemes, bool all,
        out IReadOnlyList<InventoryProblem> problems) => List(new InventoryFilter { Schemes = schemes, All = all }, out problems);

    /// <summary>Lists the objects that are wanted. What a name or an address shows is decided before anything else is read: a
    /// listing in which nothing is found inspects no process.</summary>
    /// <param name="filter">Which objects.</param>
    /// <param name="problems">What could not be seen, each thing once.</param>
    public static IReadOnlyList<IpcObjectInfo> List(InventoryFilter filter, out IReadOnlyList<InventoryProblem> problems)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var scan = new InventoryScan(filter);
        var found = new List<IpcObjectInfo>();
        foreach (var mechanism in IpcMechanisms.All)
        {
            if (filter.Schemes.Count == 0 && !mechanism.IsOfThisMachine) continue;
            if (!mechanism.Schemes.Any(scan.Wants)) continue;
            found.AddRange(mechanism.Enumerate(scan).Where(i => scan.Wants(i.Address, i.Channel)
                && (filter.HolderIds.Count == 0 || i.Holders.Any(h => filter.HolderIds.Contains(h.ProcessId)))));
        }
        var rootHint = CurrentUserId == 0 ? "" : " Root can see them.";
        if (filter.HolderIds.Count > 0 && scan.Candidates.Unseen.Count > 0)
        {
            // Another question than the one below: a session that has had the other answer still has to hear this one.
            scan.AddProblem($"processes {string.Join(',', scan.Candidates.Unseen)}",
                $"{scan.Candidates.Describe()}. What such a process holds is not listed.{rootHint}");
        }
        else if (found.Exists(static i => i.Consumers is null) && scan.HasLookedForHolders
            && (scan.Processes.Unseen.Count > 0 || scan.Processes.HidesProcesses))
        {
            scan.AddProblem("processes",
                $"{scan.Processes.Describe()}. The objects that such a process holds are listed without it as a holder.{rootHint}");
        }
        problems = scan.Problems;
        return found;
    }

    /// <summary>The effective user of this process (geteuid(2)).</summary>
    public static uint CurrentUserId => Libc.geteuid();

    /// <summary>The name of the user that this process runs as, or the number of one without a name.</summary>
    public static string CurrentUser => Accounts.UserName(CurrentUserId);

    /// <summary>Removes objects that were listed as stale, if they still are: each is checked again, and an object that a process has begun
    /// to use is kept. While they are checked, the files of named pipes, segments, semaphores, rings, mutexes and sockets have another
    /// name; they get their own name back where they are kept.</summary>
    /// <param name="objects">Objects that <see cref="List(InventoryFilter, out IReadOnlyList{InventoryProblem})"/> returned.</param>
    /// <returns>The result for each object.</returns>
    public static IReadOnlyList<IpcRemoval> RemoveStale(IReadOnlyCollection<IpcObjectInfo> objects)
    {
        ArgumentNullException.ThrowIfNull(objects);
        return StaleRemoval.Run(objects);
    }
}

/// <summary>Something that a listing could not see.</summary>
/// <param name="Topic">What kind of thing it is: the same word whenever the same is missing.</param>
/// <param name="Text">What is missing, why, and what would help.</param>
public sealed record InventoryProblem(string Topic, string Text);

/// <summary>The result of removing a stale object.</summary>
/// <param name="Object">The object.</param>
/// <param name="IsRemoved">Whether it was removed.</param>
/// <param name="Reason">Why, or why not.</param>
/// <param name="Error">The error; null where there was none.</param>
public sealed record IpcRemoval(IpcObjectInfo Object, bool IsRemoved, string Reason, IpcException? Error = null);
