using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Pools;

/// <summary>The pools of this process. Every session finds them by name. A pool ends with the session that created it, or when that removes
/// the module.</summary>
internal static class JobPools
{
    private static readonly List<(IpcJobPool Pool, Guid Session)> Pools = [];
    private static readonly HashSet<Guid> Sessions = [];
    private static int s_lastId;

    // Their control pipes end with this process, but a child that still starts would notice that late.
    static JobPools() => AppDomain.CurrentDomain.ProcessExit += static (_, _) => All().ForEach(static pool => pool.Kill());

    /// <summary>All pools, in the order of their creation.</summary>
    public static List<IpcJobPool> All()
    {
        lock (Pools) return [.. Pools.Select(static p => p.Pool)];
    }

    /// <summary>The pool of that name, or null.</summary>
    public static IpcJobPool? Find(string name) =>
        All().Find(pool => string.Equals(pool.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The pools with that name, or whose names match the pattern.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no pool has the name.</exception>
    public static IReadOnlyList<IpcJobPool> Match(string name)
    {
        // A name may look like a pattern.
        if (Find(name) is { } pool) return [pool];
        if (!WildcardPattern.ContainsWildcardCharacters(name))
            throw new IpcException(IpcErrors.NotFound, $"This session has no pool '{name}'.", name);
        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
        return All().FindAll(p => pattern.IsMatch(p.Name));
    }

    /// <summary>Creates a pool, and starts its children.</summary>
    /// <param name="name">Its name; null for one that is made of its number.</param>
    /// <param name="size">How many children it keeps ready.</param>
    /// <param name="preparation">What each child does before it is ready.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>: another pool has the name.</exception>
    public static IpcJobPool Create(string? name, int size, PrepareMessage preparation)
    {
        IpcJobPool pool;
        lock (Pools)
        {
            if (name is not null && Find(name) is not null)
                throw new IpcException(IpcErrors.AlreadyExists, $"This session has a pool '{name}' already.", name);
            do s_lastId++;
            while (name is null && Find($"Pool{s_lastId}") is not null);
            pool = new IpcJobPool(s_lastId, name ?? $"Pool{s_lastId}", size, preparation);
            var session = Runspace.DefaultRunspace;
            Pools.Add((pool, session.InstanceId));
            if (Sessions.Add(session.InstanceId))
            {
                session.StateChanged += (_, change) =>
                {
                    if (change.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken) EndSession(session.InstanceId);
                };
            }
        }
        pool.Start();
        return pool;
    }

    /// <summary>Removes a pool, and ends its children that wait for a job.</summary>
    public static void Remove(IpcJobPool pool)
    {
        lock (Pools) Pools.RemoveAll(p => p.Pool == pool);
        pool.Remove();
    }

    /// <summary>Removes the pools that a session created.</summary>
    public static void EndSession(Guid session)
    {
        IpcJobPool[] pools;
        lock (Pools) pools = [.. Pools.Where(p => p.Session == session).Select(static p => p.Pool)];
        foreach (var pool in pools) Remove(pool);
    }
}
