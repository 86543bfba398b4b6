namespace IpcPs.Connections;

/// <summary>Finds deadlocks: processes that wait for each other in a circle. A process counts as one, with all its threads.</summary>
internal static class WaitCycles
{
    /// <summary>Numbers the waits that are parts of a deadlock.</summary>
    /// <param name="connections">All connections.</param>
    /// <param name="lookAgain">Lists them once more. The locks are not read all at the same moment; a deadlock is one that stays.</param>
    /// <returns>The connections, with their numbers.</returns>
    public static List<IpcConnection> Mark(List<IpcConnection> connections, Func<IReadOnlyList<IpcConnection>> lookAgain)
    {
        var cycles = Find(connections);
        if (cycles.Count == 0) return connections;
        var again = Find(lookAgain()).SelectMany(static c => c.Value).Select(Key).ToHashSet();
        var numbers = new Dictionary<(int, int, string), int>();
        foreach (var cycle in cycles.OrderBy(static c => c.Key).Select(static c => c.Value))
        {
            if (!cycle.TrueForAll(c => again.Contains(Key(c)))) continue;
            var number = numbers.Values.DefaultIfEmpty().Max() + 1;
            foreach (var connection in cycle) numbers[Key(connection)] = number;
        }
        return connections.ConvertAll(c => IsWait(c) && numbers.TryGetValue(Key(c), out var number) ? c with { Deadlock = number } : c);
    }

    private static bool IsWait(IpcConnection connection) =>
        connection is { State: IpcConnectionState.Waits, IsForHolder: true } && connection.From.ProcessId != connection.To.ProcessId;

    private static (int, int, string) Key(IpcConnection connection) =>
        (connection.From.ProcessId, connection.To.ProcessId, connection.AddressText);

    // The waits inside each strongly connected component, by its lowest process id.
    private static SortedDictionary<int, List<IpcConnection>> Find(IReadOnlyList<IpcConnection> connections)
    {
        var waits = connections.Where(IsWait).ToLookup(static c => c.From.ProcessId);
        var reached = waits.ToDictionary(static w => w.Key, w => ReachedFrom(w.Key, waits));
        var found = new SortedDictionary<int, List<IpcConnection>>();
        foreach (var wait in waits.SelectMany(static w => w))
        {
            var (from, to) = (wait.From.ProcessId, wait.To.ProcessId);
            if (!reached.TryGetValue(to, out var back) || !back.Contains(from)) continue;
            var lowest = back.Where(id => reached.TryGetValue(id, out var other) && other.Contains(to)).Min();
            if (!found.TryGetValue(lowest, out var cycle)) found[lowest] = cycle = [];
            cycle.Add(wait);
        }
        return found;
    }

    private static HashSet<int> ReachedFrom(int start, ILookup<int, IpcConnection> waits)
    {
        var reached = new HashSet<int>();
        var open = new Stack<int>([start]);
        while (open.TryPop(out var id))
        {
            foreach (var wait in waits[id])
            {
                if (reached.Add(wait.To.ProcessId)) open.Push(wait.To.ProcessId);
            }
        }
        return reached;
    }
}
