using System.Diagnostics;
using IpcPs.Inventory;

namespace IpcPs.Watching;

/// <summary>Reads objects again and again: depth, rates, locks, and what needs attention.</summary>
/// <remarks>Each sample reads the objects themselves, which costs some microseconds for each. Which objects exist and which processes hold
/// them needs a look at every process. That is done only so often that it costs at most half a percent of a core. Reading changes nothing,
/// and no peer notices it: a pipe is read through a copy of a holder's descriptor, a ring and a mutex through their files.
/// Calls: mq_getattr(3), msgctl(2), semctl(2), pread(2), pidfd_getfd(2), ioctl(2) with FIONREAD, sock_diag(7); /proc/locks.</remarks>
/// <param name="list">Lists the objects.</param>
/// <param name="heldLongerThan">After how long a held lock is marked as stuck.</param>
public sealed class IpcSampler(Func<IEnumerable<IpcObjectInfo>> list, TimeSpan heldLongerThan)
{
    // A listing that took some time is not repeated for two hundred times that.
    private const int ListingShare = 200;
    private static readonly TimeSpan OldestListing = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, State> _states = new(StringComparer.Ordinal);
    private readonly SocketGauge _sockets = new();
    private List<IpcObjectInfo> _objects = [];
    private long _listAt;

    private sealed class State
    {
        public Reading? Last { get; set; }

        public long LastAt { get; set; }

        public DateTime? HeldSince { get; set; }

        public double? MessageSize { get; set; }

        public object? Identity { get; init; }
    }

    /// <summary>Reads every object once. The first sample has no rates.</summary>
    /// <exception cref="IpcException">What listing throws.</exception>
    public IReadOnlyList<IpcSample> Sample()
    {
        if (_listAt <= Stopwatch.GetTimestamp()) List();
        var samples = new List<IpcSample>(_objects.Count);
        _sockets.Expire();
        var tables = new SampleTables(_sockets);
        foreach (var info in _objects)
        {
            if (Gauges.Read(info, tables) is { } reading) samples.Add(SampleOf(info, reading));
            // It is gone: the list is out of date.
            else _listAt = 0;
        }
        return samples;
    }

    private void List()
    {
        var start = Stopwatch.GetTimestamp();
        _objects = [.. list().DistinctBy(static i => (i.Address, i.Kind))];
        var now = Stopwatch.GetTimestamp();
        _listAt = now + Math.Min((now - start) * ListingShare, (long)(OldestListing.TotalSeconds * Stopwatch.Frequency));
        var addresses = _objects.Select(Key).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in _states.Keys.Where(k => !addresses.Contains(k)).ToList()) _states.Remove(gone);
    }

    private static string Key(IpcObjectInfo info) => info.Address.Text + "\0" + info.Kind;

    private IpcSample SampleOf(IpcObjectInfo info, in Reading reading)
    {
        var (at, now) = (Stopwatch.GetTimestamp(), DateTime.Now);
        var key = Key(info);
        // Another object may have got the name.
        if (!_states.TryGetValue(key, out var state) || !Equals(state.Identity, info.Identity))
            _states[key] = state = new State { Identity = info.Identity };
        state.MessageSize = reading.MessageSize ?? state.MessageSize;
        var (messages, bytes) = Rates(state.Last, reading, (at - state.LastAt) / (double)Stopwatch.Frequency);
        messages ??= bytes / state.MessageSize;
        state.HeldSince = !reading.IsHeld ? null
            : reading.HeldSince ?? (state.Last?.HolderId == reading.HolderId ? state.HeldSince : null) ?? now;
        var heldFor = now - state.HeldSince;
        state.Last = reading;
        state.LastAt = at;
        var marks = (reading.IsFull ? IpcSampleMarks.Full : 0) | (reading.HolderDied ? IpcSampleMarks.DeadHolder : 0)
            | (heldFor > heldLongerThan ? IpcSampleMarks.StuckLock : 0) | (info.IsStale ? IpcSampleMarks.Stale : 0);
        return new IpcSample
        {
            Time = now,
            Address = info.Address,
            Kind = info.Kind,
            Depth = reading.Depth,
            Unit = reading.Unit,
            Capacity = reading.Capacity,
            MessagesPerSecond = messages,
            BytesPerSecond = bytes,
            RateSource = messages is null && bytes is null ? IpcRateSource.None : reading.Counts,
            Holders = info.Holders,
            HeldBy = reading.HolderId,
            HeldFor = heldFor < TimeSpan.Zero ? TimeSpan.Zero : heldFor,
            Waiters = reading.Waiters,
            Marks = marks,
        };
    }

    private static (double? Messages, double? Bytes) Rates(in Reading? last, in Reading now, double seconds)
    {
        if (last is not { } before || seconds <= 0) return default;
        var levels = now.Counts == IpcRateSource.DepthChanges;
        return (Rate(before.Messages, now.Messages), Rate(before.Bytes, now.Bytes));

        double? Rate(double? from, double? to)
        {
            if (to - from is not { } passed) return null;
            // A counter that went back is another one.
            return (levels ? Math.Abs(passed) : Math.Max(passed, 0)) / seconds;
        }
    }
}
