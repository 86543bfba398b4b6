using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using IpcPs.Nats.Connections;
using NATS.Client.Core;
using NATS.Client.JetStream.Models;

namespace IpcPs.Nats;

/// <summary>Sends to a stream, with many messages in flight. Each is kept until the broker confirms that it is stored, and sent again with
/// the same id where no answer comes: the broker drops what it has already.</summary>
/// <remarks>The order is kept as long as no message had to be sent again.</remarks>
internal sealed class ConfirmedSender : IDisposable
{
    private const int MaxMessages = 4096;
    private const long MaxBytes = 32 * 1024 * 1024;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly object _lock = new();
    private readonly object _sending = new();
    private readonly Server _server;
    private readonly IpcAddress _address;
    private readonly string _subject;
    private readonly string _inbox;
    private readonly string _idPrefix;
    private readonly INatsSub<byte[]> _answers;
    private readonly Timer _timer;
    private readonly Dictionary<ulong, InFlight> _open = [];
    private readonly SortedDictionary<ulong, InFlight> _again = [];
    private ulong _lastId;
    private long _bytes;
    private bool _timerRuns;
    private bool _isDisposed;
    private IpcException? _failure;

    public ConfirmedSender(Server server, IpcAddress address, string subject)
    {
        (_server, _address, _subject) = (server, address, subject);
        _inbox = server.NewInbox();
        _idPrefix = _inbox[(_inbox.LastIndexOf('.') + 1)..] + "-";
        _answers = Blocking.Wait(token => server.Connection.SubscribeCoreAsync(
            _inbox + ".*", serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: token), Deadline.Infinite, default);
        _timer = new Timer(static s => ((ConfirmedSender)s!).OnTick(), this, Timeout.Infinite, Timeout.Infinite);
        server.Reopened += OnReopened;
        server.Denied += OnDenied;
        _ = ReadAnswersAsync();
    }

    /// <summary>The messages that no answer has come for.</summary>
    private int Count => _open.Count + _again.Count;

    /// <summary>Sends a message.</summary>
    /// <param name="payload">Its bytes.</param>
    /// <param name="options">What is sent with it.</param>
    /// <param name="wait">How long to wait for the confirmation.</param>
    /// <param name="waits">Whether to wait for it here.</param>
    public void Send(ReadOnlySpan<byte> payload, in SendOptions options, in WaitOptions wait, bool waits)
    {
        InFlight message;
        lock (_sending)
        {
            lock (_lock)
            {
                ThrowFailure();
                WaitForSpace(payload.Length, wait);
                var id = ++_lastId;
                message = new InFlight(id, payload.ToArray(),
                    Headers.Of(options, _idPrefix + id.ToString(CultureInfo.InvariantCulture))!, wait.Deadline, waits, options.OnFailed);
                _bytes += payload.Length;
                if (_server.IsConnected) _open.Add(id, message);
                else _again.Add(id, message);
                if (!_timerRuns) _timerRuns = _timer.Change(Tick, Tick);
            }
            if (_server.IsConnected) Publish(message);
        }
        if (!waits) return;
        lock (_lock)
        {
            WaitUntil(() => message.IsDone, default, wait.Cancellation);
            if (message.Failure is { } failure) throw failure;
        }
    }

    /// <summary>Waits until every message is confirmed.</summary>
    public void Flush(in WaitOptions wait)
    {
        lock (_lock)
        {
            if (!WaitUntil(() => Count == 0, wait.Deadline, wait.Cancellation)) throw NotConfirmed(Count, wait.Deadline);
            ThrowFailure();
        }
    }

    public void Dispose()
    {
        _server.Reopened -= OnReopened;
        _server.Denied -= OnDenied;
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var message in _open.Values.Concat(_again.Values).ToList()) Complete(message, WasClosed());
            // Another thread may wait for one of them, for space, or for all.
            Monitor.PulseAll(_lock);
        }
        _timer.Dispose();
        _ = _answers.UnsubscribeAsync().AsTask();
    }

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

    private void ThrowFailure()
    {
        if (_isDisposed) throw WasClosed();
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
        bool HasSpace() => _isDisposed || ((_again.Count == 0 || !_server.IsConnected)
            && Count < MaxMessages && (_bytes + bytes <= MaxBytes || Count == 0));
    }

    /// <summary>Waits, with the lock held, until something is so.</summary>
    /// <returns>False when the deadline passed.</returns>
    private bool WaitUntil(Func<bool> condition, Deadline deadline, CancellationToken cancellation)
    {
        if (condition()) return true;
        using var registration = cancellation.UnsafeRegister(static s =>
        {
            var sender = (ConfirmedSender)s!;
            // Not under the lock of the thread that cancels.
            ThreadPool.UnsafeQueueUserWorkItem(static s => s.Pulse(), sender, preferLocal: false);
        }, this);
        while (!condition())
        {
            cancellation.ThrowIfCancellationRequested();
            if (deadline.HasPassed) return false;
            Monitor.Wait(_lock, deadline.Remaining);
        }
        return true;
    }

    private void Pulse()
    {
        lock (_lock) Monitor.PulseAll(_lock);
    }

    private void Publish(InFlight message)
    {
        message.SentAt = Environment.TickCount64;
        try
        {
            Blocking.Wait(_server.Connection.PublishAsync(_subject, message.Payload, message.Headers,
                _inbox + "." + message.Id.ToString(CultureInfo.InvariantCulture), NatsRawSerializer<byte[]>.Default));
        }
        catch (NatsPayloadTooLargeException e)
        {
            Finish(message, new IpcException(IpcErrors.MessageTooLarge, e.Message, _address.Text, inner: e));
        }
        catch (Exception e) when (e is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection is lost: it is sent again.
            lock (_lock) Repeat(message);
        }
    }

    private async Task ReadAnswersAsync()
    {
        try
        {
            while (await _answers.Msgs.WaitToReadAsync().ConfigureAwait(false))
            {
                lock (_lock)
                {
                    while (_answers.Msgs.TryRead(out var answer)) OnAnswer(answer);
                    Monitor.PulseAll(_lock);
                }
                SendAgain();
            }
        }
        catch (Exception e) when (e is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            // The channel was closed.
        }
    }

    private void OnAnswer(in NatsMsg<byte[]> answer)
    {
        var dot = answer.Subject.LastIndexOf('.');
        if (!ulong.TryParse(answer.Subject.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) return;
        if (!_open.TryGetValue(id, out var message) && !_again.TryGetValue(id, out message)) return;
        if (answer.HasNoResponders || answer.Data is not { Length: > 0 } data)
        {
            // No server answers for the stream: it has no leader now, or was removed.
            message.WasUnanswered = true;
            Repeat(message);
        }
        else if (data.AsSpan().IndexOf("\"error\""u8) >= 0 && Error(data) is { } error)
        {
            OnError(message, error);
        }
        else
        {
            Complete(message, null);
        }
    }

    private void OnError(InFlight message, ApiError error)
    {
        if (error.ErrCode == Errors.StoreFailed && error.Description?.StartsWith("maximum", StringComparison.Ordinal) == true)
        {
            message.WasFull = true;
            if (message.Deadline.IsImmediate) Complete(message, Full(message));
            else Repeat(message);
        }
        else if (error.Code == 503 && error.ErrCode is Errors.NoLeader or Errors.ClusterTemporary)
        {
            Repeat(message);
        }
        else
        {
            Complete(message, Errors.Of(error, _address));
        }
    }

    private IpcException Full(InFlight message) =>
        IpcException.TimedOut($"space in the queue '{_address}', which is full", _address.Text, message.Deadline, IpcErrors.QueueFull);

    private void Repeat(InFlight message)
    {
        if (message.IsDone || !_open.Remove(message.Id)) return;
        message.RepeatAt = Environment.TickCount64 + (message.WasFull ? 20 : 50);
        _again.Add(message.Id, message);
    }

    private void Finish(InFlight message, IpcException failure)
    {
        lock (_lock)
        {
            Complete(message, failure);
            Monitor.PulseAll(_lock);
        }
    }

    private void Complete(InFlight message, IpcException? failure)
    {
        if (message.IsDone) return;
        message.IsDone = true;
        _open.Remove(message.Id);
        _again.Remove(message.Id);
        _bytes -= message.Payload.Length;
        message.Failure = failure;
        if (failure is null || message.HasWaiter) return;
        if (message.OnFailed is { } report) report(failure);
        else _failure ??= failure;
    }

    private void OnTick()
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            var now = Environment.TickCount64;
            foreach (var message in _open.Values.ToList())
            {
                if (message.SentAt > 0 && now - message.SentAt > AnswerTimeout.TotalMilliseconds) Repeat(message);
            }
            foreach (var message in _open.Values.Concat(_again.Values).Where(static m => m.Deadline.HasPassed).ToList())
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
        SendAgain();
        CheckRemoved();
    }

    // In the order of their ids, and only when every other one is answered. Where the queue is full, one by one.
    private void SendAgain()
    {
        List<InFlight> ready = [];
        lock (_lock)
        {
            if (_again.Count == 0 || _open.Count > 0 || !_server.IsConnected || _isDisposed) return;
            var now = Environment.TickCount64;
            var first = _again.First().Value;
            if (first.RepeatAt > now) return;
            foreach (var message in _again.Values.ToList())
            {
                _again.Remove(message.Id);
                message.SentAt = now;
                _open.Add(message.Id, message);
                ready.Add(message);
                if (message.WasFull) break;
            }
        }
        foreach (var message in ready) Publish(message);
    }

    private void CheckRemoved()
    {
        lock (_lock)
        {
            if (_isDisposed || !_again.Values.Any(static m => m.WasUnanswered) || !_server.IsConnected) return;
            foreach (var message in _again.Values) message.WasUnanswered = false;
        }
        _ = CheckRemovedAsync();
    }

    private async Task CheckRemovedAsync()
    {
        try
        {
            await _server.JetStream.GetStreamAsync(_address.Name!).ConfigureAwait(false);
        }
        catch (NATS.Client.JetStream.NatsJSApiException e) when (e.Error.ErrCode == Errors.StreamNotFound)
        {
            lock (_lock)
            {
                foreach (var message in _open.Values.Concat(_again.Values).ToList())
                    Complete(message, new IpcException(IpcErrors.Removed, $"'{_address}' was removed.", _address.Text));
                Monitor.PulseAll(_lock);
            }
        }
        catch (Exception e) when (e is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            // Not now: it is asked again.
        }
    }

    private void OnReopened()
    {
        lock (_lock)
        {
            foreach (var message in _open.Values.ToList())
            {
                Repeat(message);
                message.RepeatAt = 0;
            }
        }
        ThreadPool.UnsafeQueueUserWorkItem(static s => s.SendAgain(), this, preferLocal: false);
    }

    private void OnDenied(string subject)
    {
        if (subject != _subject) return;
        lock (_lock)
        {
            foreach (var message in _open.Values.Concat(_again.Values).ToList()) Complete(message, _server.DeniedError(subject, _address));
            Monitor.PulseAll(_lock);
        }
    }

    private static ApiError? Error(byte[] data)
    {
        try
        {
            return JsonDocument.Parse(data).RootElement.TryGetProperty("error", out var error) ? error.Deserialize<ApiError>() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed class InFlight(
        ulong id, byte[] payload, NatsHeaders headers, Deadline deadline, bool hasWaiter, Action<IpcException>? onFailed)
    {
        public ulong Id { get; } = id;
        public byte[] Payload { get; } = payload;
        public NatsHeaders Headers { get; } = headers;
        public Deadline Deadline { get; } = deadline;
        public bool HasWaiter { get; } = hasWaiter;
        public Action<IpcException>? OnFailed { get; } = onFailed;
        public long SentAt { get; set; }
        public long RepeatAt { get; set; }
        public bool WasFull { get; set; }
        public bool WasUnanswered { get; set; }
        public bool IsDone { get; set; }
        public IpcException? Failure { get; set; }
    }
}
