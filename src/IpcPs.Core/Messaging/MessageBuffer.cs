namespace IpcPs.Messaging;

/// <summary>Where a message is received: reused from one receive to the next, grows to what arrives. Not shared between threads.</summary>
public sealed class MessageBuffer
{
    private byte[] _bytes = [];
    private int _start;

    /// <summary>The payload, valid until the next receive into this buffer.</summary>
    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(_start, Length);

    /// <summary>The payload, without the detour by Memory.</summary>
    internal ReadOnlySpan<byte> Span => new(_bytes, _start, Length);

    /// <summary>Bytes in <see cref="Payload"/>.</summary>
    public int Length { get; internal set; }

    /// <summary>What the envelope says that the payload is; <see cref="IpcFormat.Auto"/> where there was none.</summary>
    public IpcFormat Format { get; internal set; }

    /// <summary>The message type of a System V queue, else null.</summary>
    public long? Type { get; internal set; }

    /// <summary>The priority in a POSIX queue, else null.</summary>
    public int? Priority { get; internal set; }

    /// <summary>The sender's process id, where the transport knows it.</summary>
    public int? SenderId { get; internal set; }

    /// <summary>The sender's user id, where the transport knows it.</summary>
    public uint? SenderUserId { get; internal set; }

    /// <summary>The number that a reply repeats; 0 where no reply is wanted.</summary>
    public ulong CorrelationId { get; internal set; }

    /// <summary>Whether this is a reply.</summary>
    public bool IsReply { get; internal set; }

    /// <summary>Which of the stream's sequences it belongs to.</summary>
    public byte StreamId { get; internal set; }

    /// <summary>Messages of a broadcast ring that were dropped between the last one received and this one, because this reader was too slow.</summary>
    public long Lost { get; internal set; }

    /// <summary>The channel on which the sender is answered, where that is not the one it was received from (a listener's connection).</summary>
    public IpcChannel? ReplyChannel { get; internal set; }

    /// <summary>Descriptors that came along (SCM_RIGHTS); null for none. They are closed by the next receive into this buffer, unless
    /// <see cref="TakeHandles"/> took them out.</summary>
    public IReadOnlyList<SafeDescriptor>? Handles { get; internal set; }

    /// <summary>Whether descriptors were sent along that this process had no room for (RLIMIT_NOFILE); the kernel closed them.</summary>
    public bool LostHandles { get; internal set; }

    /// <summary>Takes the descriptors out; from then on they are the caller's to close.</summary>
    public IReadOnlyList<SafeDescriptor> TakeHandles()
    {
        var taken = Handles ?? [];
        Handles = null;
        return taken;
    }

    /// <summary>Closes the descriptors that nobody took out.</summary>
    public void DropHandles()
    {
        foreach (var handle in TakeHandles()) handle.Dispose();
    }

    /// <summary>Forgets the last message's facts, keeps its room.</summary>
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
        if (Handles is not null) DropHandles();
    }

    /// <summary>Room for at least that many bytes; what was in the buffer is lost.</summary>
    internal Span<byte> Reserve(int bytes)
    {
        _start = 0;
        if (_bytes.Length < bytes) _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(bytes, 256));
        return _bytes;
    }

    /// <summary>Copies a payload in.</summary>
    internal void Set(ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(Reserve(payload.Length));
        Length = payload.Length;
    }

    /// <summary>Drops the first bytes: an envelope's header. Nothing is moved.</summary>
    internal void Skip(int bytes)
    {
        _start += bytes;
        Length -= bytes;
    }

    /// <summary>Takes over another buffer's message, which is empty then.</summary>
    internal void TakeFrom(MessageBuffer other)
    {
        Clear();
        (_bytes, other._bytes) = (other._bytes, _bytes);
        _start = other._start;
        (Length, Format, Type, Priority) = (other.Length, other.Format, other.Type, other.Priority);
        (SenderId, SenderUserId, ReplyChannel) = (other.SenderId, other.SenderUserId, other.ReplyChannel);
        (CorrelationId, IsReply, StreamId) = (other.CorrelationId, other.IsReply, other.StreamId);
        (Handles, LostHandles) = (other.Handles, other.LostHandles);
        other.Handles = null;
        other.Clear();
    }

    /// <summary>Trades its room for one that already has the payload in it.</summary>
    internal byte[] Swap(byte[] bytes, int length)
    {
        var old = _bytes;
        _bytes = bytes;
        _start = 0;
        Length = length;
        return old;
    }
}
