
namespace IpcPs.Messaging;

/// <summary>A channel over a stream of bytes (pipe, FIFO, stream socket): the transport moves bytes, <see cref="StreamSender"/> and
/// <see cref="StreamReceiver"/> make messages of them.</summary>
public abstract class StreamChannel : IpcChannel
{
    private readonly DeadlineLock _sending = new();
    private readonly StreamSender _sender;
    private readonly StreamReceiver _receiver;

    /// <summary>Creates the channel; <paramref name="atomicWrite"/> is how many bytes the kernel never mixes with another writer's.</summary>
    private protected StreamChannel(IpcAddress address, int atomicWrite) : base(address, receivesOneByOne: true)
    {
        _sender = new StreamSender(this, atomicWrite);
        _receiver = new StreamReceiver(this);
    }

    /// <inheritdoc/>
    public override bool IsByteStream => true;

    /// <summary>How many messages were dropped because their writer went away before the last fragment.</summary>
    public long AbandonedMessages => _receiver.Abandoned;

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        EnterSending(wait);
        try
        {
            _sender.Add(payload, options, wait);
            _sender.Flush(wait);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        finally
        {
            _sending.Exit();
        }
    }

    internal override bool KeepsEnqueued => true;

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        EnterSending(wait);
        try
        {
            _sender.Add(payload, options, wait);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        finally
        {
            _sending.Exit();
        }
    }

    /// <inheritdoc/>
    public override void Flush(in WaitOptions wait = default)
    {
        EnterSending(wait);
        try
        {
            _sender.Flush(wait);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        finally
        {
            _sending.Exit();
        }
    }

    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        if (options.Type is not null || options.ExceptType || options.Peek)
            throw new IpcException(IpcErrors.NotSupported, $"This {Kind} is a stream of bytes: it has no message types and no peeking.", Address.Text) { Advice = IpcAdvice.UseSysVQueue };
        return _receiver.Receive(message, options, wait);
    }

    private protected override ReceiveOutcome TryReceiveCore(MessageBuffer message, in ReceiveOptions options) => _receiver.TryReceive(message, options);

    internal sealed override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => ReaderDescriptor(wait);

    /// <summary>Whether bytes have arrived that no message has taken.</summary>
    internal bool HasUnread => _receiver.HasUnread;

    /// <summary>Bytes of the stream that are in messages already taken; for <see cref="Describe"/>.</summary>
    internal long Position => _receiver.Position;

    /// <summary>Gives back buffers that are empty, for as long as nothing comes or goes. Skips what another thread is using.</summary>
    internal void Trim()
    {
        if (ReceiveLock!.Enter(Deadline.Immediate))
        {
            _receiver.Trim();
            ReceiveLock.Exit();
        }
        if (_sending.Enter(Deadline.Immediate))
        {
            _sender.Trim();
            _sending.Exit();
        }
    }

    /// <summary>One read without blocking.</summary>
    /// <returns>Bytes read; 0 at the end of the stream; -1 where it would block.</returns>
    internal abstract int TryRead(Span<byte> buffer);

    /// <summary>One write without blocking.</summary>
    /// <returns>Bytes written; -1 where it would block.</returns>
    internal abstract int TryWrite(ReadOnlySpan<byte> bytes, in SendOptions options);

    /// <summary>What to poll before reading; opens the end where that is still to be done.</summary>
    internal abstract SafeDescriptor ReaderDescriptor(in WaitOptions wait);

    /// <summary>What to poll before writing; opens the end where that is still to be done.</summary>
    internal abstract SafeDescriptor WriterDescriptor(in WaitOptions wait);

    /// <summary>Called when a read found the end; true where the stream goes on (a FIFO kept open for the next writer).</summary>
    internal virtual bool ContinuesAfterEnd() => false;

    /// <summary>Called when the peer is gone and nothing of the bytes was written; true where a new peer was waited for and the write can be tried again.</summary>
    internal virtual bool ReconnectsWriter(in WaitOptions wait) => false;

    /// <summary>Called before a line longer than the kernel writes in one piece: makes sure that no other writer can cut into it.</summary>
    internal virtual IDisposable? BeginLongWrite(int bytes) => null;

    /// <summary>Whether a read and a write keep each other waiting, so that the reader of a stream had better come when there is more than one message.</summary>
    internal virtual bool ReadsExcludeWrites => false;

    /// <summary>Bytes that one read should be able to take: where the kernel's buffer is emptied by each read, a read ends where a write ended.</summary>
    internal virtual int ReadSize => 64 * 1024;

    /// <summary>Adds what a message of this transport carries besides its bytes (the peer's credentials).</summary>
    internal virtual void Describe(MessageBuffer message)
    {
    }

    private void EnterSending(in WaitOptions wait)
    {
        RequireSend();
        if (!_sending.Enter(wait)) throw IpcException.TimedOut($"another sender on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Full);
    }
}
