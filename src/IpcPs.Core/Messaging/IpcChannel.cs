using IpcPs.Readiness;

namespace IpcPs.Messaging;

/// <summary>An object that carries messages: a pipe, queue, socket or ring. Thread-safe: messages are never mixed.</summary>
public abstract class IpcChannel : IpcObject
{
    /// <summary>The largest message on any byte stream, and the largest length that a receiver accepts in a header: 256 MiB.</summary>
    public const int MaxStreamMessage = 256 * 1024 * 1024;

    private RequestRouter? _router;

    /// <summary>Creates the managed side of a channel.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="receivesOneByOne">Whether only one thread at a time may receive; false if the kernel decides.</param>
    private protected IpcChannel(IpcAddress address, bool receivesOneByOne) : base(address) =>
        ReceiveLock = receivesOneByOne ? new DeadlineLock() : null;

    /// <summary>Held while a thread receives; null if several threads may receive at once.</summary>
    private protected DeadlineLock? ReceiveLock { get; }

    /// <summary>Whether this end can send.</summary>
    public abstract bool CanSend { get; }

    /// <summary>Whether this end can receive.</summary>
    public abstract bool CanReceive { get; }

    /// <summary>Whether the transport is a byte stream, in which IpcPs marks the end of each message.</summary>
    public abstract bool IsByteStream { get; }

    /// <summary>The largest message in bytes.</summary>
    public virtual long MaxMessageSize => MaxStreamMessage;

    /// <summary>Sends one message. Returns when the kernel, or the ring, contains it.</summary>
    /// <param name="payload">The message's bytes.</param>
    /// <param name="options">The format, and what is sent besides the bytes.</param>
    /// <param name="wait">How long to wait for buffer space, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Full"/> (immediate deadline),
    /// <see cref="IpcErrors.PeerClosed"/>, <see cref="IpcErrors.MessageTooLarge"/>, <see cref="IpcErrors.Closed"/>,
    /// <see cref="IpcErrors.NotSupported"/> (an option that the transport does not have).</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the message was not sent.</exception>
    public abstract void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default);

    /// <summary>Sends a message at once, or keeps it until <see cref="Flush"/> sends it with others in fewer system calls.</summary>
    public virtual void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default) =>
        Send(payload, options, wait);

    /// <summary>Whether <see cref="Enqueue"/> may keep a message until <see cref="Flush"/>.</summary>
    internal virtual bool KeepsEnqueued => false;

    /// <summary>Whether <see cref="Enqueue"/> sends at once, and only the confirmation of a broker comes later: <see cref="Flush"/> waits
    /// for it.</summary>
    public virtual bool ConfirmsLater => false;

    /// <summary>Sends the messages that <see cref="Enqueue"/> kept.</summary>
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
    /// <param name="message">The buffer that it is received into.</param>
    /// <param name="options">Which message, and its format.</param>
    /// <param name="wait">How long to wait for a message, and what cancels the wait.</param>
    /// <returns>False at the end of the stream: the peer has closed, and all its messages were received.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Empty"/> (immediate deadline),
    /// <see cref="IpcErrors.InvalidData"/>, <see cref="IpcErrors.TruncatedMessage"/>, <see cref="IpcErrors.MessageTooLarge"/>,
    /// <see cref="IpcErrors.Removed"/>, <see cref="IpcErrors.Closed"/>, <see cref="IpcErrors.NotSupported"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no message was received, and none is lost.</exception>
    public bool Receive(MessageBuffer message, in ReceiveOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        // With format Bytes a byte stream has no message boundaries, and so no replies.
        if (Router is null || (options.Format == IpcFormat.Bytes && IsByteStream))
        {
            if (!ReceiveUnrouted(message, options, wait)) return false;
            if (!message.IsReply || Router is not { } router) return true;
            // Another thread made the channel's first request while this call was waiting.
            router.Deliver(message);
        }
        return Router!.Receive(message, options, wait);
    }

    /// <summary>Returns what was fetched ahead and not received, so that other receivers get it; see
    /// <see cref="ReceiveOptions.Ahead"/>.</summary>
    public virtual void ReturnAhead()
    {
    }

    /// <summary>Receives past the router: checks that this end can receive and is open, and holds <see cref="ReceiveLock"/>.</summary>
    /// <returns>False at the end of the stream.</returns>
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

    /// <summary>Receives a message that has arrived; never waits. The outcome is Nothing while another thread receives.</summary>
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

    /// <summary>Receives one message; called with <see cref="ReceiveLock"/> held, on an end that can receive and was open.</summary>
    /// <returns>False at the end of the stream.</returns>
    private protected abstract bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait);

    /// <summary>The rest of <see cref="TryReceive"/>, with the lock held; only for channels that a listener serves.</summary>
    private protected virtual ReceiveOutcome TryReceiveCore(MessageBuffer message, in ReceiveOptions options) =>
        throw new InvalidOperationException($"A {Kind} cannot be received from without waiting.");

    /// <summary>Sends a request and waits for its reply. Any number of threads may do so on one channel at once. Other messages that
    /// arrive meanwhile are kept for <see cref="Receive"/>.</summary>
    /// <param name="payload">The request's bytes; they travel in an envelope, whatever the format is.</param>
    /// <param name="reply">The buffer that the reply is received into.</param>
    /// <param name="options">The format, and what is sent besides the bytes.</param>
    /// <param name="wait">How long to wait for buffer space and then for the reply, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.PeerClosed"/> (before it replied),
    /// <see cref="IpcErrors.NotSupported"/>: the channel is one-way, or each side could receive its own messages from it.</exception>
    public virtual void Request(
        ReadOnlySpan<byte> payload, MessageBuffer reply, in SendOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(reply);
        ThrowIfClosed();
        if (!CanRequest)
            throw new IpcException(IpcErrors.NotSupported, $"'{Address}' ({Kind}) has no return path for a reply.", Address.Text,
                "Use a socket or a duplex pipe.")
            { Advice = IpcAdvice.UseDuplexChannel };
        var router = Router ?? Interlocked.CompareExchange(ref _router, new RequestRouter(this), null) ?? _router!;
        if (!router.Request(payload, options, reply, wait))
            throw new IpcException(IpcErrors.PeerClosed, $"The peer of '{Address}' closed before it replied.", Address.Text);
    }

    /// <summary>Separates replies from other messages; null before the first request.</summary>
    internal RequestRouter? Router => Volatile.Read(ref _router);

    /// <summary>Whether the sender of the messages received here is the receiver of those sent here.</summary>
    internal virtual bool CanRequest => false;

    /// <summary>Warnings since the last call (a listener's rejected clients), one sentence each.</summary>
    public virtual IReadOnlyList<string> TakeWarnings() => [];

    /// <summary>Treats a received message that cannot be decoded as its sender's failure, where the channel has many senders: a listener
    /// disconnects the client, counts it and warns, and goes on with the others.</summary>
    /// <param name="message">The message, as it was received.</param>
    /// <param name="reason">Why it cannot be decoded.</param>
    /// <returns>False if the channel is not such a listener: the message is then the receiver's own.</returns>
    public virtual bool TryReject(MessageBuffer message, IpcException reason) => false;

    /// <summary>Called when the program takes this channel to answer a message that is not a request: it may do so later.</summary>
    /// <param name="toMessage">Whether <see cref="CompleteAnswer"/> will be called; else the next send is the answer.</param>
    internal virtual void ExpectAnswer(bool toMessage)
    {
    }

    /// <summary>Called when the answer to a message was sent.</summary>
    internal virtual void CompleteAnswer()
    {
    }

    /// <summary>Ends the sending direction: the peer's receive sees the end of the stream. This end can still receive.</summary>
    public virtual void CompleteSending() =>
        throw new IpcException(IpcErrors.NotSupported, $"'{Address}' ({Kind}) cannot close only its sending side.", Address.Text);

    /// <inheritdoc/>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotSupported"/>: this end cannot receive.</exception>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        RequireReceive();
        return new ChannelWatch(this);
    }

    /// <summary>Whether the channel has something for its next receiver that its descriptor does not show: a message that was kept here, or
    /// bytes that were read with an earlier message.</summary>
    internal virtual ReadyState ReadyWithoutDescriptor() => Router is { HasKept: true } ? ReadyState.Message : ReadyState.None;

    /// <summary>The descriptor to poll for a message; null if the transport has none.</summary>
    internal virtual SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => null;

    /// <summary>Cancelled when this end is closed, or when the channel ends without an event on the descriptor (its removal).</summary>
    internal virtual CancellationToken Ending => Closing;

    /// <summary>Throws if this end is not open for what is wanted.</summary>
    internal void Require(IpcAccess access)
    {
        if (access.HasFlag(IpcAccess.Read)) RequireReceive();
        if (access.HasFlag(IpcAccess.Write)) RequireSend();
    }

    /// <summary>Throws if this end cannot send.</summary>
    protected void RequireSend()
    {
        if (!CanSend) throw Lacks("receiving", "Write");
    }

    /// <summary>Throws if this end cannot receive.</summary>
    protected void RequireReceive()
    {
        if (!CanReceive) throw Lacks("sending", "Read");
    }

    // IsClosed is read last: if another thread closes the channel meanwhile, that is the reason.
    private IpcException Lacks(string has, string access) => IsClosed
        ? WasClosed()
        : new IpcException(
            IpcErrors.NotSupported, $"'{Address}' is open for {has} only.", Address.Text, $"Open it with access {access} or ReadWrite.")
        { Advice = IpcAdvice.OpenWithAccess };
}
