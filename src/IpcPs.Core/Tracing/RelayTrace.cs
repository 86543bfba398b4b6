using System.Collections.Concurrent;
using IpcPs.Messaging;
using IpcPs.Relays;

namespace IpcPs.Tracing;

/// <summary>What a relay sends on. The relay does not wait for the trace: what does not fit is lost for the trace, and counted.</summary>
internal sealed class RelayTrace : IpcTrace, IRelayObserver
{
    private const int MaxWaiting = 10_000;

    private readonly IpcRelay _relay;
    private readonly IDisposable _observation;
    private readonly object _describing = new();
    private readonly BlockingCollection<IpcTraceRecord> _records = new(MaxWaiting);
    private readonly CancellationTokenRegistration _onEnd;

    public RelayTrace(IpcRelay relay, IpcFormat format) : base(relay.Address, format)
    {
        _relay = relay;
        _observation = relay.Observe(this);
        _onEnd = relay.EndToken.Register(_records.CompleteAdding);
    }

    public override IpcTraceRecord? Read(in WaitOptions wait)
    {
        // What comes while it waits is taken at once, and what was there before the end comes before it.
        var milliseconds = wait.Deadline.IsInfinite ? -1
            : (int)Math.Min(int.MaxValue, Math.Ceiling(wait.Deadline.Remaining.TotalMilliseconds));
        if (_records.TryTake(out var record, milliseconds, wait.Cancellation)) return record;
        return _records.IsCompleted ? null : throw TimedOut(wait.Deadline);
    }

    public void OnMessage(RelayDirection direction, MessageBuffer message) =>
        Add(direction, message.Span, message.Format, message.SenderId);

    public void OnBytes(RelayDirection direction, ReadOnlySpan<byte> bytes) => Add(direction, bytes, null, null);

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _observation.Dispose();
        _onEnd.Dispose();
        _records.Dispose();
    }

    private void Add(RelayDirection direction, ReadOnlySpan<byte> bytes, IpcFormat? format, int? sender)
    {
        var way = direction.IsBack ? "<-" : "->";
        try
        {
            // The two directions are two threads.
            lock (_describing)
            {
                var record = format is { } known ? Payload(bytes, known, way, sender) : Packet(bytes, way, sender);
                if (!_records.TryAdd(record)) Lost++;
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or InvalidOperationException)
        {
            // The trace has ended.
        }
    }
}
