using IpcPs.Inventory;

namespace IpcPs.Connections;

/// <summary>Lists which processes are connected to which, and through what.</summary>
/// <remarks>Reads /proc, the kernel's tables of sockets, locks and System V objects, and sock_diag(7). To count the bytes in a pipe that
/// has a reader and a writer, it opens the pipe for a moment. It changes nothing else.</remarks>
public static class IpcConnections
{
    /// <summary>Lists the connections, in the order of the process ids.</summary>
    /// <param name="options">Which ones.</param>
    /// <param name="problems">What could not be seen, each thing once.</param>
    public static IReadOnlyList<IpcConnection> List(ConnectionOptions options, out IReadOnlyList<InventoryProblem> problems)
    {
        ArgumentNullException.ThrowIfNull(options);
        var scan = new ConnectionScan(options);
        if (!options.OnlyDeadlocks)
        {
            PipeConnections.AddTo(scan);
            SocketConnections.AddTo(scan);
            MemoryConnections.AddTo(scan);
            RingConnections.AddTo(scan);
            QueueConnections.AddTo(scan);
        }
        LockConnections.AddTo(scan);
        SemaphoreConnections.AddTo(scan);
        scan.AddUnseenProcesses();
        problems = scan.Inventory.Problems;
        var found = WaitCycles.Mark(scan.Found, () => LookAgain(options));
        if (options.OnlyDeadlocks) found = [.. found.Where(static c => c.Deadlock is not null)];
        else if (!options.All) found = JobLinks.Join(found);
        return
        [
            .. found.OrderBy(static c => c.Deadlock).ThenBy(static c => c.From.ProcessId).ThenBy(static c => c.To.ProcessId)
                .ThenBy(static c => c.Kind, StringComparer.Ordinal).ThenBy(static c => c.AddressText, StringComparer.Ordinal),
        ];
    }

    /// <summary>The connections of some processes, and of those that are connected to them.</summary>
    /// <param name="connections">All connections.</param>
    /// <param name="processIds">The processes.</param>
    /// <param name="depth">How many steps: 1 for the connections of the processes themselves.</param>
    public static IEnumerable<IpcConnection> Near(IReadOnlyList<IpcConnection> connections, IEnumerable<int> processIds, int depth)
    {
        ArgumentNullException.ThrowIfNull(connections);
        var reached = processIds.ToHashSet();
        for (var step = 1; step < depth; step++)
        {
            var next = connections.Where(c => reached.Contains(c.From.ProcessId) || reached.Contains(c.To.ProcessId))
                .SelectMany(static c => new[] { c.From.ProcessId, c.To.ProcessId }).ToList();
            var before = reached.Count;
            reached.UnionWith(next);
            if (reached.Count == before) break;
        }
        return connections.Where(c => reached.Contains(c.From.ProcessId) || reached.Contains(c.To.ProcessId));
    }

    private static List<IpcConnection> LookAgain(ConnectionOptions options)
    {
        var scan = new ConnectionScan(options);
        LockConnections.AddTo(scan);
        SemaphoreConnections.AddTo(scan);
        return scan.Found;
    }
}

/// <summary>Which connections <see cref="IpcConnections.List"/> lists.</summary>
public sealed record ConnectionOptions
{
    /// <summary>The mechanisms; empty for all.</summary>
    public IReadOnlyCollection<IpcScheme> Schemes { get; init; } = [];

    /// <summary>Whether to list also connections of a process with itself, those of the runtime's diagnostics, and each pipe of a
    /// job.</summary>
    public bool All { get; init; }

    /// <summary>Whether to list only the waits that are a part of a deadlock.</summary>
    public bool OnlyDeadlocks { get; init; }

    /// <summary>The name of the job that a process runs; null where it runs none. By default no process runs one.</summary>
    public Func<int, string?> JobOf { get; init; } = static _ => null;
}
