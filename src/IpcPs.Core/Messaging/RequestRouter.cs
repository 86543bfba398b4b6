using System.Security.Cryptography;

namespace IpcPs.Messaging;

/// <summary>Matches replies to requests on a duplex channel: each reply goes to the call that waits for it, whichever thread received it.
/// One of the waiting threads, the leader, receives for all. When it has its own message, the next thread becomes the leader.</summary>
/// <remarks>A channel's first request creates its router. From then on the channel's receives go through the router too: they get the
/// messages that are not replies.</remarks>
internal sealed class RequestRouter(IpcChannel channel)
{
    /// <summary>The limit in bytes for messages that arrive before a reply and are kept for later receives.</summary>
    private const long MaxKept = 256L * 1024 * 1024;

    private readonly object _lock = new();
    private readonly Dictionary<ulong, RequestWaiter> _requests = [];
    private readonly List<RequestWaiter> _followers = [];
    private readonly Queue<MessageBuffer> _kept = new();
    private readonly UnfinishedBytes _memory = new(channel.Address);
    private long _keptBytes;
    private RequestWaiter? _leader;
    private ulong _lastId = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    /// <summary>How many replies arrived after their request had timed out or was cancelled.</summary>
    public long LateReplies { get; private set; }

    /// <summary>Whether a message was kept for a later receive.</summary>
    public bool HasKept
    {
        get { lock (_lock) return _kept.Count > 0; }
    }

    /// <summary>Sends a request and waits for its reply.</summary>
    /// <returns>False at the end of the stream.</returns>
    public bool Request(ReadOnlySpan<byte> payload, in SendOptions options, MessageBuffer reply, in WaitOptions wait)
    {
        var waiter = new RequestWaiter(reply, NextId());
        lock (_lock) _requests.Add(waiter.Id, waiter);
        try
        {
            channel.Send(payload, options with { CorrelationId = waiter.Id, IsReply = false }, wait);
            return Wait(waiter, default, $"the reply to a request on '{channel.Address}'", wait);
        }
        finally
        {
            lock (_lock) _requests.Remove(waiter.Id);
        }
    }

    /// <summary>Receives a message that is not a reply.</summary>
    /// <returns>False at the end of the stream.</returns>
    public bool Receive(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        lock (_lock)
        {
            if (_kept.TryDequeue(out var kept))
            {
                _memory.Set(_keptBytes -= kept.Length);
                message.MoveFrom(kept);
                return true;
            }
        }
        return Wait(new RequestWaiter(message, 0), options, $"a message on '{channel.Address}'", wait);
    }

    /// <summary>Delivers a reply that was received without the router to the call that waits for it.</summary>
    public void Deliver(MessageBuffer reply)
    {
        lock (_lock) Route(reply);
    }

    private bool Wait(RequestWaiter waiter, in ReceiveOptions options, string what, in WaitOptions wait)
    {
        while (true)
        {
            bool leads;
            lock (_lock)
            {
                if (waiter.IsDone)
                {
                    if (waiter.Delivered is { } delivered) waiter.Message.MoveFrom(delivered);
                    // This call may just have been chosen as the next leader.
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
            if (!Follow(waiter, wait)) throw IpcException.TimedOut(what, channel.Address.Text, wait.Deadline, IpcErrors.Empty);
        }
    }

    /// <summary>Receives for all waiters until this one has its message.</summary>
    /// <returns>False at the end of the stream.</returns>
    private bool Lead(RequestWaiter waiter, in ReceiveOptions options, string what, in WaitOptions wait)
    {
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(wait.Cancellation);
        lock (_lock) waiter.Wake = wake;
        try
        {
            while (!waiter.IsDone)
            {
                if (!channel.ReceiveUnrouted(waiter.Message, options, new(wait.Deadline, wake.Token))) return waiter.IsDone;
                lock (_lock)
                {
                    if (!waiter.IsDone && HasOwnMessage(waiter)) waiter.IsDone = true;
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
            throw IpcException.TimedOut(what, channel.Address.Text, wait.Deadline, IpcErrors.Empty);
        }
        finally
        {
            lock (_lock)
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
            lock (_lock)
            {
                _followers.Remove(waiter);
                // It may have been chosen as the next leader while it gave up: then another one has to lead.
                if (!signalled) SignalNext();
            }
        }
    }

    /// <summary>Wakes a follower, which becomes the leader, if there is no leader.</summary>
    private void SignalNext()
    {
        if (_leader is null && _followers.Count > 0) _followers[0].Signal.Release();
    }

    private static bool HasOwnMessage(RequestWaiter waiter) =>
        waiter.Id == 0 ? !waiter.Message.IsReply : waiter.Message.IsReply && waiter.Message.CorrelationId == waiter.Id;

    private void Route(MessageBuffer message)
    {
        if (!message.IsReply)
        {
            if (_followers.Find(static f => f.Id == 0 && !f.IsDone) is { } receiver) Deliver(receiver, message);
            else Keep(message);
        }
        else if (_requests.TryGetValue(message.CorrelationId, out var waiter) && !waiter.IsDone)
        {
            Deliver(waiter, message);
        }
        else
        {
            LateReplies++;
            message.Clear();
        }
    }

    private static void Deliver(RequestWaiter waiter, MessageBuffer message)
    {
        // The leader may be receiving into its buffer at this moment. It picks up the message after that.
        if (waiter.Wake is not null) (waiter.Delivered = new MessageBuffer()).MoveFrom(message);
        else waiter.Message.MoveFrom(message);
        waiter.IsDone = true;
        if (waiter.Wake is { } wake) wake.Cancel();
        else waiter.Signal.Release();
    }

    private void Keep(MessageBuffer message)
    {
        if (_keptBytes + message.Length > MaxKept)
        {
            throw new IpcException(
                IpcErrors.LimitReached,
                $"More than {MaxKept} bytes of other messages arrived on '{channel.Address}' before the reply to a request.",
                channel.Address.Text, "Receive them on another thread, or use a separate connection for requests.");
        }
        _memory.Set(_keptBytes + message.Length);
        _keptBytes += message.Length;
        var kept = new MessageBuffer();
        kept.MoveFrom(message);
        _kept.Enqueue(kept);
    }

    private ulong NextId()
    {
        ulong id;
        do id = Interlocked.Increment(ref _lastId);
        while (id == 0);
        return id;
    }
}

/// <summary>A call that waits on a <see cref="RequestRouter"/>: for one reply, or for any message that is not a reply.</summary>
internal sealed class RequestWaiter(MessageBuffer message, ulong id)
{
    private SemaphoreSlim? _signal;

    /// <summary>The buffer that the message is received into.</summary>
    public MessageBuffer Message { get; } = message;

    /// <summary>The request's number; 0 for a plain receive.</summary>
    public ulong Id { get; } = id;

    /// <summary>Whether the message has arrived, in <see cref="Message"/> or <see cref="Delivered"/>.</summary>
    public volatile bool IsDone;

    /// <summary>The message, if it arrived while the leader was receiving into <see cref="Message"/>.</summary>
    public MessageBuffer? Delivered { get; set; }

    /// <summary>Cancels the receive that this call makes as the leader; null while it is not the leader.</summary>
    public CancellationTokenSource? Wake { get; set; }

    /// <summary>Released when the message has arrived, and when this call becomes the leader.</summary>
    public SemaphoreSlim Signal => LazyInitializer.EnsureInitialized(ref _signal, static () => new SemaphoreSlim(0))!;
}
