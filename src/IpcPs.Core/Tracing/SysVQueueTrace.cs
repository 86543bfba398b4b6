using IpcPs.Messaging;
using IpcPs.Queues;

namespace IpcPs.Tracing;

/// <summary>The messages of a System V queue, as they wait in it (MSG_COPY of msgrcv(2)): those that are there when the trace begins, and
/// those that come. The kernel announces none of them: the trace looks again and again, with pauses of 1 ms to 250 ms. What comes and goes
/// between two looks is not seen.</summary>
internal sealed class SysVQueueTrace : IpcTrace
{
    private readonly SysVQueue _queue;
    private readonly bool _isOwned;
    private readonly PollWithBackoff _poll = new();
    private readonly MessageBuffer _message = new();
    private readonly Queue<IpcTraceRecord> _found = new();
    private List<int> _known = [];
    private (ulong, ulong, long Sent, long Received, int Sender, int) _state;

    public SysVQueueTrace(SysVQueue queue, bool isOwned, IpcFormat format) : base(queue.Address, format)
    {
        (_queue, _isOwned) = (queue, isOwned);
    }

    public override IpcTraceRecord? Read(in WaitOptions wait)
    {
        try
        {
            while (true)
            {
                if (_found.TryDequeue(out var record)) return record;
                Waiter.ThrowIfOver(wait.Cancellation, default);
                if (HasChanged()) Look();
                if (_found.Count > 0)
                {
                    _poll.Reset();
                    continue;
                }
                if (wait.Deadline.IsImmediate || wait.Deadline.HasPassed) throw TimedOut(wait.Deadline);
                Waiter.PollAny([], new(_poll.Next(wait.Deadline), wait.Cancellation), _queue.Closing);
            }
        }
        catch (IpcException e) when (e.Id == IpcErrors.Removed)
        {
            return null;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _isOwned) _queue.Dispose();
    }

    // The kernel's times are whole seconds: within the current one, the same numbers may hide a message that went and one that came.
    private bool HasChanged()
    {
        var state = _queue.TraceState();
        var isSettled = state == _state && Math.Max(state.Sent, state.Received) < DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 1;
        _state = state;
        return !isSettled;
    }

    /// <summary>Finds the messages that have come since the last look. New ones are behind those that were there.</summary>
    private void Look()
    {
        var seen = new List<int>();
        var before = 0;
        for (var position = 0; _queue.TryCopyAt(_message, position); position++)
        {
            var mark = Mark();
            seen.Add(mark);
            // Receivers may have taken any of the earlier ones.
            var at = before < _known.Count ? _known.IndexOf(mark, before) : -1;
            if (at >= 0) before = at + 1;
            else _found.Enqueue(Packet(_message.Span, "->", null));
        }
        _known = seen;
        // The kernel knows who sent last, and only that.
        if (_found.Count != 1 || _queue.LastSenderId is not { } sender) return;
        _found.Enqueue(_found.Dequeue() with { Sender = sender });
    }

    private int Mark()
    {
        var hash = new HashCode();
        hash.Add(_message.Type);
        hash.AddBytes(_message.Span);
        return hash.ToHashCode();
    }
}
