using System.Globalization;
using System.Runtime.ExceptionServices;
using IpcPs.Nats.Connections;

namespace IpcPs.Nats;

/// <summary>The messages that a sender keeps until the broker confirms them: those that wait for an answer, and those that are sent again.
/// It limits how many there are, and how long they are waited for.</summary>
internal sealed class SendWindow : IDisposable
{
    private const int MaxMessages = 4096;
    private const long MaxBytes = 32 * 1024 * 1024;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly object _lock = new();
    private readonly Server _server;
    private readonly IpcAddress _address;
    private readonly Action _onTick;
    private readonly Timer _timer;
    private readonly Dictionary<ulong, InFlight> _open = [];
    private readonly SortedDictionary<ulong, InFlight> _again = [];
    private ulong _lastId;
    private long _bytes;
    private bool _timerRuns;
    private bool _isClosed;
    private IpcException? _failure;

    /// <param name="server">The server that confirms them.</param>
    /// <param name="address">The queue.</param>
    /// <param name="onTick">Called again and again while there are messages.</param>
    public SendWindow(Server server, IpcAddress address, Action onTick)
    {
        (_server, _address, _onTick) = (server, address, onTick);
        _timer = new Timer(static s => ((SendWindow)s!).OnTick(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>The messages that no answer has come for.</summary>
    private int Count => _open.Count + _again.Count;

    /// <summary>Adds a message when there is space for it.</summary>
    /// <param name="payload">Its bytes.</param>
    /// <param name="options">What is sent with it.</param>
    /// <param name="idPrefix">What the ids of this sender begin with.</param>
    /// <param name="wait">How long to wait for the space, and for the confirmation.</param>
    /// <param name="hasWaiter">Whether the caller waits for the confirmation.</param>
    public InFlight Add(ReadOnlySpan<byte> payload, in SendOptions options, string idPrefix, in WaitOptions wait, bool hasWaiter)
    {
        lock (_lock)
        {
            ThrowFailure();
            WaitForSpace(payload.Length, wait);
            var id = ++_lastId;
            var headers = Headers.Of(options, idPrefix + id.ToString(CultureInfo.InvariantCulture))!;
            var message = new InFlight(id, payload.ToArray(), headers, wait.Deadline, hasWaiter, options.OnFailed);
            _bytes += payload.Length;
            if (_server.IsConnected) _open.Add(id, message);
            else _again.Add(id, message);
            if (!_timerRuns) _timerRuns = _timer.Change(Tick, Tick);
            return message;
        }
    }

    /// <summary>Waits until a message is confirmed, or has failed.</summary>
    public void WaitFor(InFlight message, CancellationToken cancellation)
    {
        lock (_lock)
        {
            WaitUntil(() => message.IsDone, Deadline.Infinite, cancellation);
            if (message.Failure is { } failure) throw failure;
        }
    }

    /// <summary>Waits until every message is confirmed.</summary>
    public void WaitForAll(in WaitOptions wait)
    {
        lock (_lock)
        {
            if (!WaitUntil(() => Count == 0, wait.Deadline, wait.Cancellation)) throw NotConfirmed(Count, wait.Deadline);
            ThrowFailure();
        }
    }

    /// <summary>Changes many messages at once: the threads that wait for them are notified once.</summary>
    public void Change(Action change)
    {
        lock (_lock)
        {
            change();
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>The message with that number; null if it is confirmed, or has failed.</summary>
    public InFlight? Find(ulong id)
    {
        lock (_lock) return _open.TryGetValue(id, out var message) || _again.TryGetValue(id, out message) ? message : null;
    }

    /// <summary>The message is confirmed, or has failed.</summary>
    public void Complete(InFlight message, IpcException? failure)
    {
        lock (_lock)
        {
            if (message.IsDone) return;
            message.IsDone = true;
            _open.Remove(message.Id);
            _again.Remove(message.Id);
            _bytes -= message.Payload.Length;
            message.Failure = failure;
            Monitor.PulseAll(_lock);
            if (failure is null || message.HasWaiter) return;
            if (message.OnFailed is { } report) report(failure);
            else _failure ??= failure;
        }
    }

    /// <summary>No message is confirmed any more.</summary>
    public void FailAll(Func<IpcException> failure)
    {
        lock (_lock)
        {
            foreach (var message in All()) Complete(message, failure());
        }
    }

    /// <summary>The queue had no space for a message.</summary>
    public void RefuseFull(InFlight message)
    {
        lock (_lock)
        {
            message.WasFull = true;
            if (message.Deadline.IsImmediate) Complete(message, Full(message));
            else Repeat(message);
        }
    }

    /// <summary>The message is sent again after a moment.</summary>
    public void Repeat(InFlight message)
    {
        lock (_lock)
        {
            if (message.IsDone || !_open.Remove(message.Id)) return;
            message.RepeatAt = Environment.TickCount64 + (message.WasFull ? 20 : 50);
            _again.Add(message.Id, message);
        }
    }

    /// <summary>Every message is sent again, at once: their answers were lost with the connection.</summary>
    public void RepeatAll()
    {
        lock (_lock)
        {
            foreach (var message in _open.Values.ToList())
            {
                Repeat(message);
                message.RepeatAt = 0;
            }
        }
    }

    /// <summary>The messages to send again now. In the order of their numbers, and only when every other one is answered. Where the queue
    /// is full, one by one.</summary>
    public List<InFlight> TakeRepeated()
    {
        List<InFlight> ready = [];
        lock (_lock)
        {
            if (_again.Count == 0 || _open.Count > 0 || !_server.IsConnected || _isClosed) return ready;
            var now = Environment.TickCount64;
            if (_again.First().Value.RepeatAt > now) return ready;
            foreach (var message in _again.Values.ToList())
            {
                _again.Remove(message.Id);
                message.SentAt = now;
                _open.Add(message.Id, message);
                ready.Add(message);
                if (message.WasFull) break;
            }
        }
        return ready;
    }

    /// <summary>Whether no server answered for the queue since the last call.</summary>
    public bool TakeUnanswered()
    {
        lock (_lock)
        {
            if (_isClosed || !_server.IsConnected) return false;
            var unanswered = All().FindAll(static m => m.WasUnanswered);
            foreach (var message in unanswered) message.WasUnanswered = false;
            return unanswered.Count > 0;
        }
    }

    /// <summary>What is not confirmed has failed. The threads that wait are notified.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
            FailAll(WasClosed);
            Monitor.PulseAll(_lock);
        }
        _timer.Dispose();
    }

    private List<InFlight> All() => [.. _open.Values, .. _again.Values];

    private IpcException WasClosed() => new(IpcErrors.Closed,
        $"'{_address}' was closed before the broker confirmed every message.", _address.Text);

    private IpcException NotConfirmed(int count, Deadline deadline)
    {
        var what = count == 1 ? "a message" : $"{count} messages";
        return new IpcException(IpcErrors.NotConfirmed,
            $"The broker did not confirm {what} on '{_address}' within {deadline.Describe()}: what was sent may be stored, or not.",
            _address.Text)
        { Advice = IpcAdvice.WaitForBroker };
    }

    private IpcException Full(InFlight message) =>
        IpcException.TimedOut($"space in the queue '{_address}', which is full", _address.Text, message.Deadline, IpcErrors.QueueFull);

    private void ThrowFailure()
    {
        if (_isClosed) throw WasClosed();
        if (_failure is null) return;
        var failure = _failure;
        _failure = null;
        ExceptionDispatchInfo.Throw(failure);
    }

    private void WaitForSpace(int bytes, in WaitOptions wait)
    {
        if (HasSpace()) return;
        if (!WaitUntil(HasSpace, wait.Deadline, wait.Cancellation))
        {
            throw IpcException.TimedOut($"the confirmation of {Count} messages that were sent on '{_address}' before", _address.Text,
                wait.Deadline, IpcErrors.Full);
        }
        ThrowFailure();

        // One by one while messages are sent again: those that follow would overtake them.
        bool HasSpace() => _isClosed || ((_again.Count == 0 || !_server.IsConnected)
            && Count < MaxMessages && (_bytes + bytes <= MaxBytes || Count == 0));
    }

    /// <summary>Waits, with the lock held, until something is so.</summary>
    /// <returns>False when the deadline passed.</returns>
    private bool WaitUntil(Func<bool> condition, Deadline deadline, CancellationToken cancellation)
    {
        if (condition()) return true;
        using var registration = cancellation.UnsafeRegister(static s =>
        {
            // Not under the lock of the thread that cancels.
            ThreadPool.UnsafeQueueUserWorkItem(static s => s.Change(static () => { }), (SendWindow)s!, preferLocal: false);
        }, this);
        while (!condition())
        {
            cancellation.ThrowIfCancellationRequested();
            if (deadline.HasPassed) return false;
            Monitor.Wait(_lock, deadline.Remaining);
        }
        return true;
    }

    private void OnTick()
    {
        lock (_lock)
        {
            if (_isClosed) return;
            var now = Environment.TickCount64;
            foreach (var message in _open.Values.ToList())
            {
                if (message.SentAt > 0 && now - message.SentAt > AnswerTimeout.TotalMilliseconds) Repeat(message);
            }
            foreach (var message in All().FindAll(static m => m.Deadline.HasPassed))
            {
                // Without waiting: the answer alone is waited for.
                if (message.Deadline.IsImmediate && _server.IsConnected && !_again.ContainsKey(message.Id)) continue;
                Complete(message, message.WasFull ? Full(message) : NotConfirmed(1, message.Deadline));
            }
            if (Count == 0 && _timerRuns)
            {
                _timer.Change(Timeout.Infinite, Timeout.Infinite);
                _timerRuns = false;
            }
            Monitor.PulseAll(_lock);
        }
        _onTick();
    }
}
