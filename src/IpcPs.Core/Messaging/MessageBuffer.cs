namespace IpcPs.Messaging;

/// <summary>The buffer that messages are received into, one after the other. Grows as needed. Not thread-safe.</summary>
public sealed class MessageBuffer
{
    private const int MostKept = 64 * 1024;

    private byte[] _bytes = [];
    private int _start;
    private IpcChannel? _replyChannel;
    private bool _expectsAnswer;

    /// <summary>The payload, valid until the next receive into this buffer.</summary>
    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(_start, Length);

    /// <summary><see cref="Payload"/> as a span, without the cost of a Memory.</summary>
    internal ReadOnlySpan<byte> Span => new(_bytes, _start, Length);

    /// <summary>Bytes in <see cref="Payload"/>.</summary>
    public int Length { get; internal set; }

    /// <summary>The payload's format, as its envelope says; <see cref="IpcFormat.Auto"/> without an envelope.</summary>
    public IpcFormat Format { get; internal set; }

    /// <summary>System V queues: the message type; null on other channels.</summary>
    public long? Type { get; internal set; }

    /// <summary>POSIX queues: the priority; null on other channels.</summary>
    public int? Priority { get; internal set; }

    /// <summary>The sender's process id; null if the transport does not know it.</summary>
    public int? SenderId { get; internal set; }

    /// <summary>The sender's user id; null if the transport does not know it.</summary>
    public uint? SenderUserId { get; internal set; }

    /// <summary>The number of a request, which its reply repeats; 0 if no reply is expected.</summary>
    public ulong CorrelationId { get; internal set; }

    /// <summary>Whether this is a reply.</summary>
    public bool IsReply { get; internal set; }

    /// <summary>Which of the channel's 16 sequences the message belongs to.</summary>
    public byte StreamId { get; internal set; }

    /// <summary>Broadcast rings: messages that were dropped just before this one, because this reader was too slow.</summary>
    public long Lost { get; internal set; }

    /// <summary>Listeners: the client's connection, on which the sender is answered; null if that is the channel itself. Once this was
    /// read, a client that has ended sending is kept until something is sent to it. Close the connection if no answer follows.</summary>
    public IpcChannel? ReplyChannel
    {
        get
        {
            if (!_expectsAnswer && CorrelationId == 0) _replyChannel?.ExpectAnswer(toMessage: false);
            _expectsAnswer = true;
            return _replyChannel;
        }

        internal set
        {
            _replyChannel = value;
            _expectsAnswer = false;
        }
    }

    /// <summary><see cref="ReplyChannel"/>, without the intention to answer.</summary>
    internal IpcChannel? Sender => _replyChannel;

    /// <summary>Descriptors that were passed with the message (SCM_RIGHTS); null for none. The next receive into this buffer closes them,
    /// unless the caller has taken them with <see cref="TakeHandles"/>.</summary>
    public IReadOnlyList<SafeDescriptor>? Handles { get; internal set; }

    /// <summary>Whether the kernel closed descriptors of this message because the process had reached its limit (RLIMIT_NOFILE).</summary>
    public bool LostHandles { get; internal set; }

    /// <summary>Brokers: how often the message was given to a receiver. At more than 1 it may have been processed before.</summary>
    public int? DeliveryCount { get; internal set; }

    /// <summary>Whether the sender's transport keeps the message until <see cref="Acknowledge"/>.</summary>
    public bool AwaitsAcknowledgement => Receipt.Keeper is not null;

    /// <summary>What the transport knows an unacknowledged message by.</summary>
    internal MessageReceipt Receipt { get; set; }

    /// <summary>Brokers: reports that the message was processed, so that the broker forgets it. The next receive into this buffer without
    /// that returns it to its queue. Elsewhere it does nothing.</summary>
    public void Acknowledge() => TakeReceipt().Acknowledge();

    /// <summary>Takes the receipt out of the buffer: the caller acknowledges the message, or returns it.</summary>
    public MessageReceipt TakeReceipt()
    {
        var taken = Receipt;
        Receipt = default;
        return taken;
    }

    /// <summary>Takes the descriptors out of the buffer. The caller closes them.</summary>
    public IReadOnlyList<SafeDescriptor> TakeHandles()
    {
        var taken = Handles ?? [];
        Handles = null;
        return taken;
    }

    /// <summary>Closes the descriptors that were not taken.</summary>
    public void DropHandles()
    {
        foreach (var handle in TakeHandles()) handle.Dispose();
    }

    /// <summary>Drops the message, so that another receiver can use the buffer.</summary>
    /// <returns>False if the buffer is too large to be kept.</returns>
    public bool TryRecycle()
    {
        Clear();
        return _bytes.Length <= MostKept;
    }

    /// <summary>Resets everything except the allocated bytes.</summary>
    internal void Clear()
    {
        Length = 0;
        Format = IpcFormat.Auto;
        Type = null;
        Priority = null;
        SenderId = null;
        SenderUserId = null;
        CorrelationId = 0;
        IsReply = false;
        StreamId = 0;
        Lost = 0;
        ReplyChannel = null;
        LostHandles = false;
        DeliveryCount = null;
        if (Receipt.Keeper is not null) TakeReceipt().Return();
        if (Handles is not null) DropHandles();
    }

    /// <summary>Makes space for at least so many bytes. The buffer's old content is lost.</summary>
    internal Span<byte> Reserve(int bytes)
    {
        _start = 0;
        if (_bytes.Length < bytes) _bytes = Allocate(Math.Max(bytes, 256));
        return _bytes;
    }

    /// <summary>Allocates memory for a message.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: this process has not enough memory.</exception>
    internal static byte[] Allocate(int bytes)
    {
        try
        {
            return GC.AllocateUninitializedArray<byte>(bytes);
        }
        catch (OutOfMemoryException e)
        {
            throw new IpcException(IpcErrors.LimitReached, $"This process has not enough memory for {bytes} bytes of a message.",
                recommendedAction: "Free memory, or raise the limit of the process, its container or its heap.", inner: e)
            { Errno = Errno.ENOMEM };
        }
    }

    /// <summary>Copies a payload into the buffer.</summary>
    internal void Set(ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(Reserve(payload.Length));
        Length = payload.Length;
    }

    /// <summary>Removes the first bytes (an envelope's header) without moving the rest.</summary>
    internal void Skip(int bytes)
    {
        _start += bytes;
        Length -= bytes;
    }

    /// <summary>Moves another buffer's message into this one.</summary>
    internal void MoveFrom(MessageBuffer other)
    {
        Clear();
        (_bytes, other._bytes) = (other._bytes, _bytes);
        (_start, Length) = (other._start, other.Length);
        Describe(other);
        (Handles, LostHandles) = (other.Handles, other.LostHandles);
        other.Handles = null;
        Receipt = other.TakeReceipt();
        other.Clear();
    }

    /// <summary>Copies another buffer's message, without its descriptors.</summary>
    internal void CopyFrom(MessageBuffer other)
    {
        Clear();
        Set(other.Span);
        Describe(other);
    }

    /// <summary>Replaces the allocated bytes by others that contain the payload.</summary>
    /// <returns>The bytes that were replaced.</returns>
    internal byte[] Swap(byte[] bytes, int length)
    {
        var old = _bytes;
        _bytes = bytes;
        _start = 0;
        Length = length;
        return old;
    }

    private void Describe(MessageBuffer other)
    {
        (Format, Type, Priority) = (other.Format, other.Type, other.Priority);
        (SenderId, SenderUserId, ReplyChannel) = (other.SenderId, other.SenderUserId, other.Sender);
        (CorrelationId, IsReply, StreamId) = (other.CorrelationId, other.IsReply, other.StreamId);
        DeliveryCount = other.DeliveryCount;
    }
}
