using IpcPs.Readiness;

namespace IpcPs.Messaging;

/// <summary>A channel over a stream of bytes (pipe, FIFO, stream socket). The transport moves bytes; <see cref="StreamSender"/> and
/// <see cref="StreamReceiver"/> convert between bytes and messages.</summary>
public abstract partial class StreamChannel : IpcChannel
{
    private readonly DeadlineLock _sendLock = new();
    private readonly StreamSender _sender;
    private readonly StreamReceiver _receiver;

    /// <summary>Creates the channel.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="atomicWrite">The largest write in bytes that the kernel never mixes with another writer's.</param>
    private protected StreamChannel(IpcAddress address, int atomicWrite) : base(address, receivesOneByOne: true)
    {
        _sender = new StreamSender(this, atomicWrite);
        _receiver = new StreamReceiver(this);
        HasFragments = atomicWrite < int.MaxValue;
    }

    /// <summary>Whether it may have several writers, which send long messages in fragments.</summary>
    internal bool HasFragments { get; }

    /// <inheritdoc/>
    public override bool IsByteStream => true;

    /// <summary>How many messages were dropped because their writer closed or exited before their last fragment.</summary>
    public long AbandonedMessages => _receiver.Abandoned;

    internal override bool KeepsEnqueued => true;

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default) =>
        Write(payload, options, wait, add: true, flush: true);

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default) =>
        Write(payload, options, wait, add: true, flush: false);

    /// <inheritdoc/>
    public override void Flush(in WaitOptions wait = default) => Write(default, default, wait, add: false, flush: true);

    private protected override void AfterClose()
    {
        // A thread that receives ends by the close, and what it has goes with the channel.
        if (!ReceiveLock!.Enter(Deadline.Immediate)) return;
        _receiver.Drop();
        ReceiveLock.Exit();
    }

    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        if (options.Type is not null || options.ExceptType || options.Peek)
        {
            throw new IpcException(
                IpcErrors.NotSupported, $"'{Address}' ({Kind}) is a byte stream: it has no message types and no peeking.", Address.Text)
            { Advice = IpcAdvice.UseSysVQueue };
        }
        return _receiver.Receive(message, options, wait);
    }

    private protected override ReceiveOutcome TryReceiveCore(MessageBuffer message, in ReceiveOptions options) =>
        _receiver.TryReceive(message, options);

    internal sealed override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => ReaderDescriptor(wait);

    internal sealed override ReadyState ReadyWithoutDescriptor()
    {
        var kept = base.ReadyWithoutDescriptor();
        // While another thread receives, what it has read is its own.
        if (kept != ReadyState.None || !ReceiveLock!.Enter(Deadline.Immediate)) return kept;
        try
        {
            return _receiver.Ready();
        }
        finally
        {
            ReceiveLock.Exit();
        }
    }

    /// <summary>Whether a thread is sending at this moment.</summary>
    internal bool IsSending => _sendLock.IsHeld;

    /// <summary>Whether bytes were read that no received message contains.</summary>
    internal bool HasUnread => _receiver.HasUnread;

    /// <summary>Bytes of the stream, from its beginning, up to the end of the last received message; for <see cref="Describe"/>.</summary>
    internal long Position => _receiver.Position;

    /// <summary>Returns empty buffers to the pool, until the next message needs them. Skips a direction that another thread uses.</summary>
    internal void Trim()
    {
        if (ReceiveLock!.Enter(Deadline.Immediate))
        {
            _receiver.Trim();
            ReceiveLock.Exit();
        }
        if (_sendLock.Enter(Deadline.Immediate))
        {
            _sender.Trim();
            _sendLock.Exit();
        }
    }

    /// <summary>Reads once without blocking.</summary>
    /// <returns>Bytes read; 0 at the end of the stream; -1 if it would block.</returns>
    internal abstract int TryRead(Span<byte> buffer);

    /// <summary>Writes once without blocking.</summary>
    /// <returns>Bytes written; -1 if it would block.</returns>
    internal abstract int TryWrite(ReadOnlySpan<byte> bytes, in SendOptions options);

    /// <summary>The descriptor to poll before a read. Opens the reading end if it is not open yet.</summary>
    internal abstract SafeDescriptor ReaderDescriptor(in WaitOptions wait);

    /// <summary>The descriptor to poll before a write. Opens the writing end if it is not open yet.</summary>
    internal abstract SafeDescriptor WriterDescriptor(in WaitOptions wait);

    /// <summary>Called at the end of the stream.</summary>
    /// <returns>True if the stream continues with the next writer (a FIFO that is kept open).</returns>
    internal virtual bool ContinuesAfterEnd() => false;

    /// <summary>Called when the peer has closed and no byte of a write was written.</summary>
    /// <returns>True after waiting for a new peer: the write can be tried again.</returns>
    internal virtual bool ReconnectsWriter(in WaitOptions wait) => false;

    /// <summary>Called before a line that is longer than the kernel's atomic write: keeps other writers out until it is disposed.</summary>
    internal virtual IDisposable? BeginLongWrite(int bytes) => null;

    /// <summary>Whether a read and a write block each other in the kernel, so that the reader of a stream is faster when it lets several
    /// messages gather before it reads.</summary>
    internal virtual bool ReadsExcludeWrites => false;

    /// <summary>Bytes that one read asks for. A pipe's is its capacity: a read that empties the pipe ends where a write ended.</summary>
    internal virtual int ReadSize => 64 * 1024;

    /// <summary>Adds what the transport knows of a received message besides its bytes (the sender's credentials).</summary>
    internal virtual void Describe(MessageBuffer message)
    {
    }

    private void Write(ReadOnlySpan<byte> payload, in SendOptions options, in WaitOptions wait, bool add, bool flush)
    {
        RequireSend();
        if (!_sendLock.Enter(wait))
            throw IpcException.TimedOut($"another sender on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Full);
        try
        {
            if (add) _sender.Add(payload, options, wait);
            if (flush) _sender.Flush(wait);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        finally
        {
            _sendLock.Exit();
        }
    }
}
