using System.Globalization;
using System.Text;
using IpcPs.Nats.Connections;
using NATS.Client.Core;

namespace IpcPs.Nats;

/// <summary>Receives from a consumer of a stream: it asks for as many messages as its caller wants, keeps those that came and were not
/// acknowledged, and reports to the broker that they are worked on, until they are acknowledged or returned.</summary>
internal sealed class Puller : IMessageKeeper, IDisposable
{
    private const int MaxBatch = 256;
    private const int Remembered = 100_000;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);
    private static readonly byte[] Ack = "+ACK"u8.ToArray();
    private static readonly byte[] Nak = "-NAK"u8.ToArray();
    private static readonly byte[] Progress = "+WPI"u8.ToArray();
    private static readonly Task<bool> Never = new TaskCompletionSource<bool>().Task;

    private readonly object _lock = new();
    private readonly Server _server;
    private readonly IpcAddress _address;
    private readonly string _pullSubject;
    private readonly Timer _progress;
    private readonly Dictionary<ulong, (string Subject, long Stored)> _held = [];
    private readonly HashSet<(ulong Number, long Stored)> _acknowledged = [];
    private readonly Queue<(ulong Number, long Stored)> _acknowledgedInOrder = new();
    private readonly Queue<NatsMsg<byte[]>> _ready = new();
    // Null before the first pull, and while what was asked for is returned.
    private INatsSub<byte[]>? _messages;
    private string _inbox = "";
    private long _pull;
    private int _asked;
    private long _heardAt;
    private long _answers;
    private bool _isGone;
    private bool _isSilent;
    private bool _isEmpty;
    private bool _takesWhatIsThere;
    private bool _hasUnsentAcks;
    private bool _isDisposed;
    private volatile bool _wasReopened;

    public Puller(Server server, IpcAddress address, string consumer, TimeSpan ackWait)
    {
        (_server, _address) = (server, address);
        _pullSubject = $"$JS.API.CONSUMER.MSG.NEXT.{address.Name}.{consumer}";
        var often = TimeSpan.FromMilliseconds(Math.Clamp(ackWait.TotalMilliseconds / 3, 100, 10_000));
        _progress = new Timer(static s => ((Puller)s!).ReportProgress(), this, often, often);
        server.Reopened += OnReopened;
    }

    /// <summary>Whether a message is here that was not received.</summary>
    public bool HasReady
    {
        get
        {
            lock (_lock)
            {
                TakeArrived();
                return _ready.Count > 0;
            }
        }
    }

    /// <summary>Receives a message.</summary>
    /// <param name="ahead">How many more may be fetched with it.</param>
    /// <param name="message">The message.</param>
    /// <param name="number">What it is acknowledged by.</param>
    /// <param name="delivered">How often it was given to a receiver.</param>
    /// <param name="wait">How long to wait, and what cancels it.</param>
    /// <param name="closing">Cancelled when the channel is closed.</param>
    /// <returns>False when the deadline passed; with an immediate one, when the server has nothing.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>: whether it has something is not known.</exception>
    public bool TryReceive(int ahead, out NatsMsg<byte[]> message, out ulong number, out int delivered, in WaitOptions wait,
        CancellationToken closing)
    {
        var deadline = wait.Deadline;
        // The server's answer that it has nothing is waited for all the same.
        var answer = deadline.IsImmediate ? Deadline.After(TimeSpan.FromSeconds(5)) : deadline;
        var asked = false;
        long? before = null;
        while (true)
        {
            Task<bool> arriving;
            bool isSilent, isAnswered;
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                if (TryTake(out message, out number, out delivered)) return true;
                if (_isGone) throw new IpcException(IpcErrors.Removed, $"'{_address}' was removed.", _address.Text);
                var silence = Environment.TickCount64 - _heardAt;
                if (_asked > 0 && silence > Heartbeat.TotalMilliseconds * 2.5) _isSilent = true;
                // The server does not always say that it has sent what is there.
                var isOver = _takesWhatIsThere && !deadline.IsImmediate && silence > Heartbeat.TotalMilliseconds / 4;
                if (_wasReopened || _isSilent || isOver) _asked = 0;
                isAnswered = _answers != (before ??= _answers);
                if (deadline.IsImmediate && asked && _asked == 0 && !_isSilent) return isAnswered ? false : throw Unreachable();
                isSilent = _isSilent;
                _isSilent = false;
                // A pull that waits is for one message: what it asks for beyond would stay asked for when this call gives up.
                var isBatch = ahead > 0 && !_isEmpty;
                if (_asked == 0 && !isSilent) Pull(isBatch ? ahead + 1 : 1, wait, takesWhatIsThere: deadline.IsImmediate || isBatch);
                asked = true;
                arriving = _messages?.Msgs.WaitToReadAsync(CancellationToken.None).AsTask() ?? Never;
            }
            if (isSilent && !_isGone) CheckRemoved(wait);
            _server.ThrowIfDenied(_pullSubject, sends: true, _address);
            if (answer.HasPassed && !arriving.IsCompleted) return !deadline.IsImmediate || isAnswered ? false : throw Unreachable();
            if (!isSilent) WaitFor(arriving, answer, wait.Cancellation, closing);
        }
    }

    public void Acknowledge(ulong number)
    {
        lock (_lock)
        {
            if (!_held.Remove(number, out var held)) return;
            Remember((number, held.Stored));
            _hasUnsentAcks = true;
            Answer(held.Subject, Ack);
        }
    }

    public void Return(ulong number)
    {
        lock (_lock)
        {
            if (_held.Remove(number, out var held)) Answer(held.Subject, Nak);
        }
    }

    /// <summary>Returns what was fetched and not received, and makes sure that the server has every acknowledgement.</summary>
    public void ReturnAhead()
    {
        INatsSub<byte[]>? drained = null;
        lock (_lock)
        {
            TakeArrived();
            // It stays asked for until what the server has sent is here: another thread asks for no more meanwhile.
            if (_asked > 0 && _server.IsConnected) (drained, _messages) = (_messages, null);
        }
        if (drained is not null)
        {
            // What the server sends until it knows that no more is wanted still arrives.
            Try(drained.DrainAsync);
            lock (_lock)
            {
                while (drained.Msgs.TryRead(out var message)) Sort(message);
                // Unless another thread has asked meanwhile, on a new connection.
                if (_messages is null) _asked = 0;
            }
        }
        lock (_lock)
        {
            while (_ready.TryDequeue(out var message))
            {
                if (AckSubject.TryParse(message.ReplyTo, out var ack)) Return(ack.Sequence);
            }
        }
        if (_hasUnsentAcks && _server.IsConnected) Try(async token => await _server.Connection.PingAsync(token).ConfigureAwait(false));
        _hasUnsentAcks = false;
    }

    public void Dispose()
    {
        _server.Reopened -= OnReopened;
        _progress.Dispose();
        ReturnAhead();
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var held in _held.Values) Answer(held.Subject, Nak);
            _held.Clear();
            if (_messages is not null) _ = _messages.UnsubscribeAsync().AsTask();
            _messages = null;
        }
    }

    private IpcException Unreachable() => new(IpcErrors.NoPeer,
        $"The server {_server.Shown} does not answer now: whether '{_address}' has a message is not known.", _address.Text)
    { Advice = IpcAdvice.WaitForBroker };

    private static void Try(Func<CancellationToken, ValueTask> action)
    {
        try
        {
            Blocking.Wait(action, Deadline.After(TimeSpan.FromSeconds(2)), default);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException or NatsException or ObjectDisposedException)
        {
            // The server is gone. What is unacknowledged is given to another receiver after a while.
        }
    }

    private static void WaitFor(Task<bool> arriving, Deadline deadline, CancellationToken cancellation, CancellationToken closing)
    {
        if (arriving.IsCompleted) return;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing);
        var often = Heartbeat / 4;
        var limit = deadline.IsInfinite || deadline.Remaining > often ? often : deadline.Remaining;
        try
        {
            arriving.WaitAsync(limit, ending.Token).GetAwaiter().GetResult();
        }
        catch (TimeoutException)
        {
            // The caller looks whether the server is still there.
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(Puller));
        }
    }

    // Each time under another subject: the server would still send what was asked for under the old one.
    private bool TrySubscribe(in WaitOptions wait)
    {
        if (_messages is not null) return true;
        var deadline = wait.Deadline.IsInfinite || wait.Deadline.Remaining > Heartbeat || wait.Deadline.IsImmediate
            ? Deadline.After(Heartbeat) : wait.Deadline;
        var inbox = _server.NewInbox();
        try
        {
            _messages = Blocking.Wait(token => _server.Connection.SubscribeCoreAsync(
                inbox + ".*", serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: token), deadline, wait.Cancellation);
            _inbox = inbox;
            return true;
        }
        catch (Exception e) when (e is TimeoutException or NatsException
            || (e is OperationCanceledException && !wait.Cancellation.IsCancellationRequested))
        {
            // The connection was lost just now. The caller tries again.
            return false;
        }
    }

    private void Pull(int count, in WaitOptions wait, bool takesWhatIsThere)
    {
        if (!_server.IsConnected || !TrySubscribe(wait)) return;
        var deadline = wait.Deadline;
        _wasReopened = false;
        _asked = Math.Min(count, MaxBatch);
        _heardAt = Environment.TickCount64;
        _pull++;
        var request = new StringBuilder("{\"batch\":").Append(_asked.ToString(CultureInfo.InvariantCulture));
        _takesWhatIsThere = takesWhatIsThere;
        if (takesWhatIsThere)
        {
            _isEmpty = !deadline.IsImmediate;
            request.Append(",\"no_wait\":true");
        }
        else
        {
            var expires = deadline.IsInfinite || deadline.Remaining > Longest ? Longest : deadline.Remaining;
            if (expires < TimeSpan.FromMilliseconds(1)) expires = TimeSpan.FromMilliseconds(1);
            request.Append(",\"expires\":").Append(Nanoseconds(expires));
            // The server allows no more than half of the time.
            if (expires > Heartbeat * 2.5) request.Append(",\"idle_heartbeat\":").Append(Nanoseconds(Heartbeat));
        }
        Blocking.Wait(_server.Connection.PublishAsync(_pullSubject, Encoding.ASCII.GetBytes(request.Append('}').ToString()),
            replyTo: $"{_inbox}.{_pull.ToString(CultureInfo.InvariantCulture)}", serializer: NatsRawSerializer<byte[]>.Default));
    }

    // The server does not answer to a pull: the queue was removed, or its leader is lost and another one is elected.
    private void CheckRemoved(in WaitOptions wait)
    {
        try
        {
            Blocking.Wait(token => _server.JetStream.GetStreamAsync(_address.Name!, cancellationToken: token),
                Deadline.After(Heartbeat), wait.Cancellation);
            // It is there. Not too often: the election takes a while.
            Waiter.PollAny([], new(Deadline.After(Heartbeat / 10), wait.Cancellation));
        }
        catch (NATS.Client.JetStream.NatsJSApiException e) when (e.Error.ErrCode == Errors.StreamNotFound)
        {
            lock (_lock) _isGone = true;
        }
        catch (Exception e) when (e is NatsException or TimeoutException
            || (e is OperationCanceledException && !wait.Cancellation.IsCancellationRequested))
        {
            // No answer either.
        }
    }

    private static string Nanoseconds(TimeSpan time) => (time.Ticks * 100).ToString(CultureInfo.InvariantCulture);

    private bool TryTake(out NatsMsg<byte[]> message, out ulong number, out int delivered)
    {
        TakeArrived();
        while (_ready.TryDequeue(out message))
        {
            if (!AckSubject.TryParse(message.ReplyTo, out var ack)) continue;
            (number, delivered) = (ack.Sequence, ack.Delivered);
            return true;
        }
        (number, delivered) = (0, 0);
        return false;
    }

    private void TakeArrived()
    {
        while (_messages is not null && _messages.Msgs.TryRead(out var message)) Sort(message);
    }

    private void Sort(in NatsMsg<byte[]> message)
    {
        _heardAt = Environment.TickCount64;
        if (AckSubject.TryParse(message.ReplyTo, out var ack))
        {
            // The acknowledgement was lost with a server: it is not received twice.
            if (_acknowledged.Contains((ack.Sequence, ack.Stored)))
            {
                Answer(message.ReplyTo!, Ack);
            }
            else
            {
                // The broker gave it again although it is worked on here: the newer subject is the one to acknowledge.
                var isKnown = _held.TryGetValue(ack.Sequence, out var held) && held.Stored == ack.Stored;
                _held[ack.Sequence] = (message.ReplyTo!, ack.Stored);
                if (!isKnown) _ready.Enqueue(message);
            }
            _answers++;
            // Its subject is the sender's: it does not say which pull it answers.
            if (_asked > 0) _asked--;
            if (_takesWhatIsThere && ack.Pending == 0) _asked = 0;
            _isEmpty = false;
            return;
        }
        if (!IsOfThisPull(message.Subject)) return;
        var code = message.Headers?.Code ?? (message.HasNoResponders ? 503 : 0);
        if (code != 503) _answers++;
        switch (code)
        {
            case 100:
                break;
            case 503:
                // No server leads the consumer now, or it was removed.
                _isSilent = true;
                break;
            case 409 when message.Headers!.MessageText.Contains("Deleted", StringComparison.OrdinalIgnoreCase):
                _isGone = true;
                _asked = 0;
                break;
            default:
                _asked = 0;
                _isEmpty = true;
                break;
        }
    }

    private bool IsOfThisPull(string subject) =>
        long.TryParse(subject.AsSpan(subject.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var pull)
        && pull == _pull;

    private void Remember((ulong Number, long Stored) message)
    {
        if (!_acknowledged.Add(message)) return;
        _acknowledgedInOrder.Enqueue(message);
        if (_acknowledgedInOrder.Count > Remembered) _acknowledged.Remove(_acknowledgedInOrder.Dequeue());
    }

    private void ReportProgress()
    {
        lock (_lock)
        {
            if (!_server.IsConnected) return;
            TakeArrived();
            foreach (var held in _held.Values) Answer(held.Subject, Progress);
        }
    }

    private void Answer(string subject, byte[] what)
    {
        try
        {
            // Not waited for: without a connection it would last until there is one, and the message is given again anyway.
            if (_server.IsConnected)
                _ = _server.Connection.PublishAsync(subject, what, serializer: NatsRawSerializer<byte[]>.Default).AsTask();
        }
        catch (Exception e) when (e is NatsException or ObjectDisposedException)
        {
            // The same.
        }
    }

    private void OnReopened() => _wasReopened = true;
}
