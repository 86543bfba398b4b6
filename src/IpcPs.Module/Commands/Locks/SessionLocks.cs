using System.Management.Automation.Runspaces;
using IpcPs.Locks;

namespace IpcPs.Module.Commands.Locks;

/// <summary>What each session has locked and not unlocked. A lock that was given by its address stays open here, because nobody else has the object; a
/// mutex is given back when its session ends, and the module's removal is such an end.</summary>
internal static class SessionLocks
{
    private static readonly Dictionary<Guid, Session> Sessions = [];

    static SessionLocks() => AppDomain.CurrentDomain.ProcessExit += static (_, _) => EndAll();

    /// <summary>The lock that this session keeps open for an address; null where it has none.</summary>
    public static IpcLock? Find(IpcAddress address)
    {
        lock (Sessions) return Current(create: false)?.Kept.GetValueOrDefault(address)?.Lock;
    }

    /// <summary>Remembers that so many of a lock are held, and where <paramref name="keep"/> keeps it open.</summary>
    public static void RecordAcquired(IpcLock taken, int count, bool keep)
    {
        lock (Sessions)
        {
            var session = Current(create: true)!;
            if (keep)
            {
                if (!session.Kept.TryGetValue(taken.Address, out var kept)) session.Kept.Add(taken.Address, kept = new Kept(taken));
                kept.Count += count;
            }
            if (taken is IpcMutex mutex) session.Mutexes.Add(mutex);
        }
    }

    /// <summary>Remembers that so many were given back; a kept one of which nothing is held any more is closed.</summary>
    public static void RecordReleased(IpcLock given, int count)
    {
        lock (Sessions)
        {
            if (Current(create: false) is not { } session) return;
            if (given is IpcMutex { IsHeld: false } mutex) session.Mutexes.Remove(mutex);
            if (!session.Kept.TryGetValue(given.Address, out var kept) || kept.Lock != given) return;
            kept.Count -= count;
            if (kept.Count > 0) return;
            session.Kept.Remove(given.Address);
            given.Dispose();
        }
    }

    /// <summary>What Use-IpcLock holds, to be given back also when the process is told to end while its script runs.</summary>
    public static IDisposable Guard(Action release)
    {
        var guard = new ExitGuard(release);
        lock (Sessions) Guards.Add(guard);
        return guard;
    }

    /// <summary>Ends the calling session's locks.</summary>
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
        // To close a mutex is to give it back. A semaphore's count nobody knows the meaning of: System V's are given back by the kernel, POSIX ones stay taken.
        foreach (var mutex in session.Mutexes) GiveBack(mutex);
        foreach (var kept in session.Kept.Values) kept.Lock.Dispose();
    }

    private static void GiveBack(IpcMutex mutex)
    {
        try
        {
            while (mutex.IsHeld) mutex.Release();
        }
        catch (IpcException)
        {
            // Closed meanwhile, and with that given back.
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

    private sealed class Kept(IpcLock taken)
    {
        public IpcLock Lock { get; } = taken;

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
