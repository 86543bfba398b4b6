using System.Diagnostics;
using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>A wait for collected signals that goes on from one to the next.</summary>
public sealed class SignalWait : IDisposable
{
    private readonly SignalStream[] _streams;
    private readonly Libc.PollFd[] _polls;
    private bool _isOver;

    internal SignalWait(SignalStream[] streams)
    {
        _streams = streams;
        var polls = new List<Libc.PollFd>();
        foreach (var stream in streams)
        {
            stream.EnterWait();
            stream.AddPolls(polls, withQueue: true);
        }
        _polls = [.. polls];
    }

    /// <summary>The next signal: at once where one has come, else it waits.</summary>
    /// <returns>The signal; null when the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>: collecting was ended meanwhile.</exception>
    public ReceivedSignal? Next(in WaitOptions wait)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        var take = new Take(_streams);
        ref var spin = ref _streams[0].Spin;
        if (take.TryOnce()) return new ReceivedSignal(take.Record);
        while (true)
        {
            Waiter.ThrowIfOver(wait.Cancellation, default);
            if (wait.Deadline.IsImmediate) return null;
            if (Waiter.Spin(ref take, ref spin)) return new ReceivedSignal(take.Record);
            var blockedAt = Stopwatch.GetTimestamp();
            var ready = Waiter.PollAny(_polls, wait);
            spin.Blocked(Stopwatch.GetTimestamp() - blockedAt);
            if (take.TryOnce()) return new ReceivedSignal(take.Record);
            if (ready == 0) return null;
        }
    }

    /// <summary>Ends the wait; the signals are still collected.</summary>
    public void Dispose()
    {
        if (_isOver) return;
        _isOver = true;
        foreach (var stream in _streams) stream.LeaveWait();
    }

    private struct Take(SignalStream[] streams) : IAttempt
    {
        public SignalRecord Record;

        public bool TryOnce()
        {
            foreach (var stream in streams)
            {
                if (stream.TryTake(out Record)) return true;
            }
            return false;
        }
    }
}
