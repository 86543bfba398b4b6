using System.Management.Automation.Runspaces;
using IpcPs.Locks;

namespace IpcPs.Module.Commands.Locks;

/// <summary>The locks that each session holds. A lock that was acquired by its address is kept open here, because no script has the
/// object. A session's mutexes are released when it ends or the module is removed from it.</summary>
internal static class SessionLocks
{
    private static readonly Dictionary<Guid, Session> Sessions = [];

    static SessionLocks() => AppDomain.CurrentDomain.ProcessExit += static (_, _) => EndAll();

    /// <summary>The lock that this session keeps open for an address, or null.</summary>
    public static IpcLock? Find(IpcAddress address)
    {
        lock (Sessions) return Current(create: false)?.Kept.GetValueOrDefault(address)?.Lock;
    }

    /// <summary>Records that the session acquired a lock, and with <paramref name="keep"/> keeps it open.</summary>
    public static void RecordAcquired(IpcLock acquired, int count, bool keep)
    {
        lock (Sessions)
        {
            var session = Current(create: true)!;
            if (keep)
            {
                if (!session.Kept.TryGetValue(acquired.Address, out var kept))
                    session.Kept.Add(acquired.Address, kept = new Kept(acquired));
                kept.Count += count;
            }
            if (acquired is IpcMutex mutex) session.Mutexes.Add(mutex);
        }
    }

    /// <summary>Records that the session released a lock. A lock that was kept open is closed with its last release.</summary>
    public static void RecordReleased(IpcLock released, int count)
    {
        lock (Sessions)
        {
            if (Current(create: false) is not { } session) return;
            if (released is IpcMutex { IsHeld: false } mutex) session.Mutexes.Remove(mutex);
            if (!session.Kept.TryGetValue(released.Address, out var kept) || kept.Lock != released) return;
            kept.Count -= count;
            if (kept.Count > 0) return;
            session.Kept.Remove(released.Address);
            released.Dispose();
        }
    }

    /// <summary>Runs an action when the result is disposed, or when the process ends before that.</summary>
    public static IDisposable Guard(Action release)
    {
        var guard = new ExitGuard(release);
        lock (Sessions) Guards.Add(guard);
        return guard;
    }

    /// <summary>Releases and closes the calling session's locks.</summary>
    public static void EndCurrent() => End(CurrentId());

    private static readonly HashSet<ExitGuard> Guards = [];

    private static Guid CurrentId() => Runspace.DefaultRunspace?.InstanceId ?? Guid.Empty;

    private static Session? Current(bool create)
    {
        var id = CurrentId();
        if (Sessions.TryGetValue(id, out var session) || !create) return session;
        Sessions.Add(id, session = new Session());
        if (Runspace.DefaultRunspace is { } runspace)
        {
            runspace.StateChanged += (_, e) =>
            {
                if (e.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken) End(id);
            };
        }
        return session;
    }

    private static void End(Guid id)
    {
        Session? session;
        lock (Sessions)
        {
            if (!Sessions.Remove(id, out session)) return;
        }
        // Only mutexes: a semaphore's count may not stand for a lock. The kernel releases System V semaphores; POSIX ones stay acquired.
        foreach (var mutex in session.Mutexes) Release(mutex);
        foreach (var kept in session.Kept.Values) kept.Lock.Dispose();
    }

    private static void Release(IpcMutex mutex)
    {
        try
        {
            while (mutex.IsHeld) mutex.Release();
        }
        catch (IpcException)
        {
            // It was closed meanwhile, which releases it.
        }
    }

    private static void EndAll()
    {
        ExitGuard[] guards;
        Guid[] ids;
        lock (Sessions)
        {
            guards = Guards.ToArray();
            ids = Sessions.Keys.ToArray();
        }
        foreach (var guard in guards) guard.Dispose();
        foreach (var id in ids) End(id);
    }

    private sealed class Session
    {
        public Dictionary<IpcAddress, Kept> Kept { get; } = [];

        public HashSet<IpcMutex> Mutexes { get; } = [];
    }

    private sealed class Kept(IpcLock acquired)
    {
        public IpcLock Lock { get; } = acquired;

        public long Count { get; set; }
    }

    private sealed class ExitGuard(Action release) : IDisposable
    {
        private Action? _release = release;

        public void Dispose()
        {
            lock (Sessions) Guards.Remove(this);
            Interlocked.Exchange(ref _release, null)?.Invoke();
        }
    }
}
