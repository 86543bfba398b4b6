using IpcPs.Messaging.Requests;

namespace IpcPs.Messaging;

/// <summary>Anything that messages go through: pipes, queues, sockets, rings. Safe for use by several threads; a message of one is never
/// mixed with another's.</summary>
public abstract class IpcChannel : IpcObject
{
    /// <summary>The largest message in bytes that any byte stream takes, and that a receiver believes a header: 256 MiB.</summary>
    public const int MaxStreamMessage = 256 * 1024 * 1024;

    private RequestRouter? _router;

    /// <summary>Creates the managed side of a channel.</summary>
    /// <param name="address">Where others find it.</param>
    /// <param name="receivesOneByOne">Whether one thread at a time receives; false where the kernel itself hands each message to one thread.</param>
    private protected IpcChannel(IpcAddress address, bool receivesOneByOne) : base(address) =>
        ReceiveLock = receivesOneByOne ? new DeadlineLock() : null;

    /// <summary>Held while a thread receives; null where the kernel needs no such lock.</summary>
    private protected DeadlineLock? ReceiveLock { get; }

    /// <summary>Whether this end sends.</summary>
    public abstract bool CanSend { get; }

    /// <summary>Whether this end receives.</summary>
    public abstract bool CanReceive { get; }

    /// <summary>Whether the transport is a stream of bytes, in which IpcPs marks where a message ends.</summary>
    public abstract bool IsByteStream { get; }

    /// <summary>Bytes that one message may have.</summary>
    public virtual long MaxMessageSize => MaxStreamMessage;

    /// <summary>Sends one message and returns when the kernel has it.</summary>
    /// <param name="payload">Its bytes.</param>
    /// <param name="options">What goes with it.</param>
    /// <param name="wait">Until when to wait for room, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Full"/> (immediate deadline),
    /// <see cref="IpcErrors.PeerClosed"/>, <see cref="IpcErrors.MessageTooLarge"/>, <see cref="IpcErrors.Closed"/>,
    /// <see cref="IpcErrors.NotSupported"/> (an option that the transport lacks).</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the message was not sent.</exception>
    public abstract void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default);

    /// <summary>Takes a message to be sent with others by <see cref="Flush"/>, in fewer system calls; may send at once.</summary>
    public virtual void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default) =>
        Send(payload, options, wait);

    /// <summary>Whether <see cref="Enqueue"/> may leave a message to be sent by <see cref="Flush"/>.</summary>
    internal virtual bool KeepsEnqueued => false;

    /// <summary>Sends what <see cref="Enqueue"/> took.</summary>
    public virtual void Flush(in WaitOptions wait = default)
    {
    }

    /// <summary>Sends many messages, in as few system calls as the transport allows.</summary>
    public void SendMany(IEnumerable<ReadOnlyMemory<byte>> payloads, in SendOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(payloads);
        foreach (var payload in payloads) Enqueue(payload.Span, options, wait);
        Flush(wait);
    }

    /// <summary>Receives one message.</summary>
    /// <param name="message">Where it goes.</param>
    /// <param name="options">Which one.</param>
    /// <param name="wait">Until when to wait for one, and what cancels the wait.</param>
    /// <returns>False when no message can come any more: the other side has closed, and everything it sent was received.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Empty"/> (immediate deadline),
    /// <see cref="IpcErrors.InvalidData"/>, <see cref="IpcErrors.TruncatedMessage"/>, <see cref="IpcErrors.MessageTooLarge"/>,
    /// <see cref="IpcErrors.Removed"/>, <see cref="IpcErrors.Closed"/>, <see cref="IpcErrors.NotSupported"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was received, nothing is lost.</exception>
    public bool Receive(MessageBuffer message, in ReceiveOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        // Bytes are cut where a read ended: no reply can be told apart in them.
        if (Router is null || (options.Format == IpcFormat.Bytes && IsByteStream))
        {
            if (!ReceiveUnrouted(message, options, wait)) return false;
            if (!message.IsReply || Router is not { } router) return true;
            // The first request was made while this call was waiting already.
            router.Deliver(message);
        }
        return Router!.Receive(message, options, wait);
    }

    /// <summary>Receives without <see cref="Router"/>: checks that this end receives and is open, and holds <see cref="ReceiveLock"/>.</summary>
    /// <returns>False when no message can come any more.</returns>
    internal bool ReceiveUnrouted(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        RequireReceive();
        var receiving = ReceiveLock;
        if (receiving is not null && !receiving.Enter(wait))
            throw IpcException.TimedOut($"another receiver on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        try
        {
            ThrowIfClosed();
            return ReceiveCore(message, options, wait);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        finally
        {
            receiving?.Exit();
        }
    }

    /// <summary>Takes a message if one has arrived; never waits. A message that another thread is receiving is left to it.</summary>
    internal ReceiveOutcome TryReceive(MessageBuffer message, in ReceiveOptions options)
    {
        RequireReceive();
        if (!ReceiveLock!.Enter(Deadline.Immediate)) return ReceiveOutcome.Nothing;
        try
        {
            return TryReceiveCore(message, options);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        finally
        {
            ReceiveLock.Exit();
        }
    }

    /// <summary>Receives one message; called with <see cref="ReceiveLock"/> held, on an end that receives and was open.</summary>
    /// <returns>False when no message can come any more.</returns>
    private protected abstract bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait);

    /// <summary>What <see cref="TryReceive"/> does with the lock held; only for channels that a listener serves.</summary>
    private protected virtual ReceiveOutcome TryReceiveCore(MessageBuffer message, in ReceiveOptions options) =>
        throw new InvalidOperationException($"A {Kind} is not received from without waiting.");

    /// <summary>Sends a request and waits for its own reply. Any number of threads may do so on one channel at once; what is no reply is kept for
    /// <see cref="Receive"/>.</summary>
    /// <param name="payload">The request's bytes; it travels in an envelope, whatever its format.</param>
    /// <param name="reply">Where the reply goes.</param>
    /// <param name="options">What goes with the request.</param>
    /// <param name="wait">Until when to wait for room, and for the reply, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.PeerClosed"/> (before it replied),
    /// <see cref="IpcErrors.NotSupported"/>: this channel goes one way, or both sides would take each other's messages from it.</exception>
    public void Request(ReadOnlySpan<byte> payload, MessageBuffer reply, in SendOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(reply);
        ThrowIfClosed();
        if (!CanRequest)
            throw new IpcException(IpcErrors.NotSupported, $"'{Address}' ({Kind}) has no way back of its own for a reply.", Address.Text, "Use a socket or a duplex pipe.") { Advice = IpcAdvice.UseDuplexChannel };
        var router = Router ?? Interlocked.CompareExchange(ref _router, new RequestRouter(this), null) ?? _router!;
        if (!router.Request(payload, options, reply, wait))
            throw new IpcException(IpcErrors.PeerClosed, $"The other side of '{Address}' closed before it replied.", Address.Text);
    }

    /// <summary>What tells replies from other messages, once there was a request.</summary>
    internal RequestRouter? Router => Volatile.Read(ref _router);

    /// <summary>Whether what is received here comes from the one who gets what is sent here.</summary>
    internal virtual bool CanRequest => false;

    /// <summary>What happened on the channel that is no failure of a call but that its user should know (a listener's refused clients), since the last time that
    /// this was asked; one sentence each.</summary>
    public virtual IReadOnlyList<string> TakeWarnings() => [];

    /// <summary>Says that no more will be sent, so that the other side's receive ends; this side may go on receiving.</summary>
    public virtual void CompleteSending() =>
        throw new IpcException(IpcErrors.NotSupported, $"This {Kind} has no end of sending that the other side would notice.", Address.Text);

    /// <summary>What to poll for a message, where the transport has such a descriptor; null where it has none.</summary>
    internal virtual SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => null;

    /// <summary>Cancelled when this end is closed, or when what the descriptor does not tell ended the channel: its removal by somebody else.</summary>
    internal virtual CancellationToken Ending => Closing;

    /// <summary>Throws when this end does not send.</summary>
    protected void RequireSend()
    {
        if (!CanSend) throw Lacks("receiving", "Write");
    }

    /// <summary>Throws when this end does not receive.</summary>
    protected void RequireReceive()
    {
        if (!CanReceive) throw Lacks("sending", "Read");
    }

    // Whether it is closed is asked last: another thread may close it at any time, and that is then the reason.
    private IpcException Lacks(string has, string access) => IsClosed
        ? WasClosed()
        : new IpcException(IpcErrors.NotSupported, $"'{Address}' is open for {has} only.", Address.Text, $"Open it with access {access} or ReadWrite.") { Advice = IpcAdvice.OpenWithAccess };
}
