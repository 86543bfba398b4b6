using IpcPs.Messaging;
using IpcPs.Rings;

namespace IpcPs.Tracing;

/// <summary>What is sent to a ring from now on, read from its memory. Writers do not wait for the trace.</summary>
internal sealed class RingTrace : IpcTrace
{
    private readonly MessageRing _ring;
    private readonly bool _isOwned;
    private readonly MessageBuffer _message = new();
    private long _position;

    public RingTrace(MessageRing ring, bool isOwned, IpcFormat format) : base(ring.Address, format)
    {
        (_ring, _isOwned) = (ring, isOwned);
        _position = ring.TracePosition;
    }

    public override IpcTraceRecord? Read(in WaitOptions wait)
    {
        while (true)
        {
            if (_ring.TryTrace(_message, ref _position, out var wasOvertaken)) return Packet(_message.Span, "->", null);
            if (wasOvertaken)
            {
                Lost++;
                continue;
            }
            Waiter.ThrowIfOver(wait.Cancellation, default);
            if (wait.Deadline.IsImmediate || wait.Deadline.HasPassed) throw TimedOut(wait.Deadline);
            _ring.WaitToTrace(_position, wait);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _isOwned) _ring.Dispose();
    }
}
