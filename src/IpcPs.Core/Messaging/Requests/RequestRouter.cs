using System.Security.Cryptography;

namespace IpcPs.Messaging.Requests;

/// <summary>Requests and replies on a channel that both sides send on: each reply goes to the call that waits for it, whichever thread received it. One of the waiting
/// threads receives for all of them; when it has what it waited for, the next one goes on.</summary>
/// <remarks>A channel gets one with its first request. From then on its plain receives go through here too: they get what is no reply.</remarks>
internal sealed class RequestRouter
{
    /// <summary>Bytes of other messages that are kept for later receives while replies are waited for.</summary>
    private const long MaxKept = 256L * 1024 * 1024;

    private readonly IpcChannel _channel;
    private readonly object _guard = new();
    private readonly Dictionary<ulong, RequestWaiter> _requests = [];
    private readonly List<RequestWaiter> _followers = [];
    private readonly Queue<MessageBuffer> _kept = new();
    private long _keptBytes;
    private RequestWaiter? _leader;
    private ulong _lastId = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    public RequestRouter(IpcChannel channel) => _channel = channel;

    /// <summary>Replies that came when nobody waited for them any more.</summary>
    public long LateReplies { get; private set; }

    /// <summary>Sends a request and waits for its reply.</summary>
    /// <returns>False when none can come any more.</returns>
    public bool Request(ReadOnlySpan<byte> payload, in SendOptions options, MessageBuffer reply, in WaitOptions wait)
    {
        var waiter = new RequestWaiter(reply, NextId());
        lock (_guard) _requests.Add(waiter.Id, waiter);
        try
        {
            _channel.Send(payload, options with { CorrelationId = waiter.Id, IsReply = false }, wait);
            return Wait(waiter, default, $"the reply to a request on '{_channel.Address}'", wait);
        }
        finally
        {
            lock (_guard) _requests.Remove(waiter.Id);
        }
    }

    /// <summary>Receives what is no reply to a request.</summary>
    /// <returns>False when none can come any more.</returns>
    public bool Receive(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        lock (_guard)
        {
            if (_kept.TryDequeue(out var kept))
            {
                _keptBytes -= kept.Length;
                message.TakeFrom(kept);
                return true;
            }
        }
        return Wait(new RequestWaiter(message, 0), options, $"a message on '{_channel.Address}'", wait);
    }

    /// <summary>Hands a reply that was received past this router to the call that waits for it.</summary>
    public void Deliver(MessageBuffer reply)
    {
        lock (_guard) Route(reply);
    }

    private bool Wait(RequestWaiter waiter, in ReceiveOptions options, string what, in WaitOptions wait)
    {
        while (true)
        {
            bool leads;
            lock (_guard)
            {
                if (waiter.IsDone)
                {
                    if (waiter.Delivered is { } delivered) waiter.Message.TakeFrom(delivered);
                    // It may have been this call's turn to receive for all.
                    SignalNext();
                    return true;
                }
                leads = _leader is null;
                if (leads) _leader = waiter;
                else _followers.Add(waiter);
            }
            if (leads)
            {
                if (Lead(waiter, options, what, wait)) continue;
                return false;
            }
            if (!Follow(waiter, wait)) throw IpcException.TimedOut(what, _channel.Address.Text, wait.Deadline, IpcErrors.Empty);
        }
    }

    /// <summary>Receives until the waiter has its message.</summary>
    /// <returns>False where none can come any more.</returns>
    private bool Lead(RequestWaiter waiter, in ReceiveOptions options, string what, in WaitOptions wait)
    {
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(wait.Cancellation);
        lock (_guard) waiter.Wake = wake;
        try
        {
            while (!waiter.IsDone)
            {
                if (!_channel.ReceiveUnrouted(waiter.Message, options, new(wait.Deadline, wake.Token))) return waiter.IsDone;
                lock (_guard)
                {
                    if (!waiter.IsDone && IsFor(waiter)) waiter.IsDone = true;
                    else Route(waiter.Message);
                }
            }
            return true;
        }
        catch (OperationCanceledException) when (waiter.IsDone)
        {
            return true;
        }
        catch (IpcException e) when (e.Id == IpcErrors.Timeout || e.Id == IpcErrors.Empty)
        {
            throw IpcException.TimedOut(what, _channel.Address.Text, wait.Deadline, IpcErrors.Empty);
        }
        finally
        {
            lock (_guard)
            {
                waiter.Wake = null;
                _leader = null;
                SignalNext();
            }
        }
    }

    private bool Follow(RequestWaiter waiter, in WaitOptions wait)
    {
        var signalled = false;
        try
        {
            signalled = waiter.Signal.Wait(wait.Deadline.Remaining, wait.Cancellation);
            return signalled || waiter.IsDone;
        }
        finally
        {
            lock (_guard)
            {
                _followers.Remove(waiter);
                // Told to lead just when it gave up: then the next one has to.
                if (!signalled) SignalNext();
            }
        }
    }

    // One is enough: it leads from then on, for itself and the others.
    private void SignalNext()
    {
        if (_leader is null && _followers.Count > 0) _followers[0].Signal.Release();
    }

    private static bool IsFor(RequestWaiter waiter) =>
        waiter.Id == 0 ? !waiter.Message.IsReply : waiter.Message.IsReply && waiter.Message.CorrelationId == waiter.Id;

    private void Route(MessageBuffer message)
    {
        if (!message.IsReply)
        {
            if (_followers.Find(static f => f.Id == 0 && !f.IsDone) is { } receiver) Give(receiver, message);
            else Keep(message);
        }
        else if (_requests.TryGetValue(message.CorrelationId, out var waiter) && !waiter.IsDone)
        {
            Give(waiter, message);
        }
        else
        {
            LateReplies++;
            message.Clear();
        }
    }

    private static void Give(RequestWaiter waiter, MessageBuffer message)
    {
        // A leader's own buffer may be received into at this moment; it takes its message when it has stopped.
        if (waiter.Wake is not null) (waiter.Delivered = new MessageBuffer()).TakeFrom(message);
        else waiter.Message.TakeFrom(message);
        waiter.IsDone = true;
        if (waiter.Wake is { } wake) wake.Cancel();
        else waiter.Signal.Release();
    }

    private void Keep(MessageBuffer message)
    {
        if (_keptBytes + message.Length > MaxKept)
            throw new IpcException(IpcErrors.LimitReached, $"More than {MaxKept} bytes of other messages came on '{_channel.Address}' before the reply to a request.", _channel.Address.Text,
                "Receive them on another thread, or use a connection of its own for requests.");
        var kept = new MessageBuffer();
        kept.TakeFrom(message);
        _kept.Enqueue(kept);
        _keptBytes += kept.Length;
    }

    private ulong NextId()
    {
        ulong id;
        do id = Interlocked.Increment(ref _lastId);
        while (id == 0);
        return id;
    }
}

/// <summary>A call that waits for a message on a channel with requests: for one reply, or for whatever is none.</summary>
internal sealed class RequestWaiter(MessageBuffer message, ulong id)
{
    private SemaphoreSlim? _signal;

    /// <summary>Where the message goes.</summary>
    public MessageBuffer Message { get; } = message;

    /// <summary>The request's number; 0 for a plain receive.</summary>
    public ulong Id { get; } = id;

    /// <summary>Whether the message is there, in <see cref="Message"/> or <see cref="Delivered"/>.</summary>
    public volatile bool IsDone;

    /// <summary>The message, where <see cref="Message"/> was being received into when it was handed over.</summary>
    public MessageBuffer? Delivered { get; set; }

    /// <summary>Ends the receive that this call is doing for all; null where it is not doing one.</summary>
    public CancellationTokenSource? Wake { get; set; }

    /// <summary>Released when the message is there, and when it is this call's turn to receive for all.</summary>
    public SemaphoreSlim Signal => LazyInitializer.EnsureInitialized(ref _signal, static () => new SemaphoreSlim(0))!;
}
