using IpcPs.Brokers;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Proc;

namespace IpcPs.Watching;

/// <summary>The kernel's tables, and the lists of brokers, that a sample reads at most once, for all objects.</summary>
/// <param name="sockets">The sockets, which a sampler keeps for its next sample.</param>
internal sealed class SampleTables(SocketGauge sockets)
{
    private readonly Lazy<Dictionary<FileId, (int? Holder, int Waiters)>> _locks = new(ReadLocks);
    private readonly Dictionary<string, Dictionary<string, IpcObjectInfo>> _brokers = [];

    /// <summary>The flock(2) locks: which process has one, and how many wait for it.</summary>
    public Dictionary<FileId, (int? Holder, int Waiters)> FileLocks => _locks.Value;

    public SocketGauge Sockets => sockets;

    /// <summary>A queue of a broker as it is now; null if it is gone, or the broker does not answer.</summary>
    public IpcObjectInfo? BrokerQueue(IpcAddress address)
    {
        var server = BrokerMechanism.ServerPart(address.Text);
        if (!_brokers.TryGetValue(server, out var queues))
        {
            var filter = new InventoryFilter { Schemes = [address.Scheme], Patterns = [server] };
            _brokers[server] = queues = IpcInventory.List(filter, out _).ToDictionary(static i => i.Address.Text);
        }
        return queues.GetValueOrDefault(address.Text);
    }

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
