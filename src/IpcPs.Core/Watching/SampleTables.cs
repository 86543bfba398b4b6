using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Watching;

/// <summary>The kernel's tables that a sample reads at most once, for all objects.</summary>
/// <param name="sockets">The sockets, which a sampler keeps for its next sample.</param>
internal sealed class SampleTables(SocketGauge sockets)
{
    private readonly Lazy<Dictionary<FileId, (int? Holder, int Waiters)>> _locks = new(ReadLocks);

    /// <summary>The flock(2) locks: which process has one, and how many wait for it.</summary>
    public Dictionary<FileId, (int? Holder, int Waiters)> FileLocks => _locks.Value;

    public SocketGauge Sockets => sockets;

    private static Dictionary<FileId, (int? Holder, int Waiters)> ReadLocks()
    {
        var locks = new Dictionary<FileId, (int? Holder, int Waiters)>();
        foreach (var entry in LockEntry.All(out _))
        {
            if (entry.Type != LockEntry.Flock) continue;
            var (holder, waiters) = locks.GetValueOrDefault(entry.File);
            locks[entry.File] = entry.IsWaiting ? (holder, waiters + 1) : (entry.ProcessId, waiters);
        }
        return locks;
    }
}
