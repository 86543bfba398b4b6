using System.Buffers.Binary;

namespace IpcPs.Messaging;

/// <summary>The header of an envelope (docs/wire-format.md): 8 bytes, 16 more in a fragment, 8 more for a correlation id.</summary>
internal readonly record struct EnvelopeHeader
{
    /// <summary>The first byte of an envelope. It never occurs in UTF-8, so that no line begins with it.</summary>
    public const byte Marker = 0xC1;

    public const byte Version = 1;
    public const int FixedSize = 8;
    public const int FragmentSize = 16;
    public const int CorrelationSize = 8;
    public const int MaxSize = FixedSize + FragmentSize + CorrelationSize;

    private const byte FragmentFlag = 1;
    private const byte CorrelationFlag = 2;
    private const byte ReplyFlag = 4;
    private const byte ReferenceFlag = 8;
    private const byte KnownFlags = FragmentFlag | CorrelationFlag | ReplyFlag | ReferenceFlag;

    public IpcFormat Format { get; init; }
    public byte StreamId { get; init; }

    /// <summary>Bytes that follow this header.</summary>
    public int PayloadLength { get; init; }

    public bool IsFragment { get; init; }

    /// <summary>Fragments: a random number of the sending channel, which distinguishes the fragments of several writers.</summary>
    public ulong WriterId { get; init; }

    /// <summary>Fragments: bytes in the whole message.</summary>
    public int MessageLength { get; init; }

    /// <summary>Fragments: the position of this fragment in the message.</summary>
    public int Offset { get; init; }

    public bool IsReply { get; init; }
    public ulong CorrelationId { get; init; }

    /// <summary>Whether the payload is the name of a shared memory segment, which contains the message.</summary>
    public bool IsReference { get; init; }

    /// <summary>Bytes of this header.</summary>
    public int Size => FixedSize + (IsFragment ? FragmentSize : 0) + (CorrelationId != 0 ? CorrelationSize : 0);

    public static EnvelopeHeader For(in SendOptions options, int payloadLength) => new()
    {
        Format = options.Format == IpcFormat.Auto ? IpcFormat.Bytes : options.Format,
        StreamId = options.StreamId,
        PayloadLength = payloadLength,
        CorrelationId = options.CorrelationId,
        IsReply = options.IsReply,
    };

    /// <summary>Writes the header to the beginning of the span.</summary>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> target)
    {
        target[0] = Marker;
        target[1] = Version;
        target[2] = (byte)((IsFragment ? FragmentFlag : 0) | (CorrelationId != 0 ? CorrelationFlag : 0)
            | (IsReply ? ReplyFlag : 0) | (IsReference ? ReferenceFlag : 0));
        target[3] = (byte)((int)Format | (StreamId << 4));
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], PayloadLength);
        var at = FixedSize;
        if (IsFragment)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(target[at..], WriterId);
            BinaryPrimitives.WriteInt32LittleEndian(target[(at + 8)..], MessageLength);
            BinaryPrimitives.WriteInt32LittleEndian(target[(at + 12)..], Offset);
            at += FragmentSize;
        }
        if (CorrelationId != 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(target[at..], CorrelationId);
            at += CorrelationSize;
        }
        return at;
    }

    /// <summary>Reads a header whose first byte is the marker.</summary>
    /// <param name="source">The bytes that have arrived.</param>
    /// <param name="limit">The largest length in bytes that is accepted.</param>
    /// <param name="address">The channel's address, for errors.</param>
    /// <param name="header">The header.</param>
    /// <returns>False if more bytes are needed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>, <see cref="IpcErrors.MessageTooLarge"/>.</exception>
    public static bool TryRead(ReadOnlySpan<byte> source, int limit, IpcAddress address, out EnvelopeHeader header)
    {
        var complete = TryRead(source, limit, out header, out var problem);
        if (problem.Why is { } why)
        {
            throw new IpcException(IpcErrors.InvalidData,
                $"A message on '{address}' begins like an IpcPs envelope but is not a valid one: {why}.", address.Text)
            { Advice = IpcAdvice.ReceiveBytes };
        }
        if (problem.Length > 0)
        {
            throw new IpcException(IpcErrors.MessageTooLarge,
                $"An envelope on '{address}' claims {problem.Length} bytes; the limit is {limit}.", address.Text);
        }
        return complete;
    }

    /// <summary>Reads a header without an exception: where a message may begin, but most likely does not.</summary>
    /// <returns>False if more bytes are needed, or if there is a problem: why it is not valid, or a length that is too large.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, int limit, out EnvelopeHeader header, out (string? Why, long Length) problem)
    {
        header = default;
        problem = default;
        if (source.Length >= 2 && source[1] != Version) problem.Why = $"version {source[1]} is unknown";
        if (problem.Why is not null || source.Length < FixedSize) return false;
        var flags = source[2];
        var format = (IpcFormat)(source[3] & 0xF);
        if ((flags & ~KnownFlags) != 0) problem.Why = $"the flags 0x{flags:x2} are unknown";
        else if (format is < IpcFormat.Object or > IpcFormat.Bytes) problem.Why = $"format {(int)format} is unknown";
        var fragment = (flags & FragmentFlag) != 0;
        var correlation = (flags & CorrelationFlag) != 0;
        var payload = Length(source[4..], limit, ref problem);
        var size = SizeFromFlags(flags);
        if (problem != default || source.Length < size) return false;
        header = new EnvelopeHeader
        {
            Format = format,
            StreamId = (byte)(source[3] >> 4),
            PayloadLength = payload,
            IsFragment = fragment,
            WriterId = fragment ? BinaryPrimitives.ReadUInt64LittleEndian(source[FixedSize..]) : 0,
            MessageLength = fragment ? Length(source[(FixedSize + 8)..], limit, ref problem) : payload,
            Offset = fragment ? Length(source[(FixedSize + 12)..], limit, ref problem) : 0,
            CorrelationId = correlation ? BinaryPrimitives.ReadUInt64LittleEndian(source[(size - CorrelationSize)..]) : 0,
            IsReply = (flags & ReplyFlag) != 0,
            IsReference = (flags & ReferenceFlag) != 0,
        };
        if (correlation && header.CorrelationId == 0) problem.Why = "its correlation id is 0";
        if (fragment && problem == default && (payload == 0 || (long)header.Offset + payload > header.MessageLength))
            problem.Why = "a fragment is outside its message";
        return problem == default;
    }

    /// <summary>Bytes of a header with these flags.</summary>
    public static int SizeFromFlags(byte flags) =>
        FixedSize + ((flags & FragmentFlag) != 0 ? FragmentSize : 0) + ((flags & CorrelationFlag) != 0 ? CorrelationSize : 0);

    /// <summary>Copies the header's fields to the message.</summary>
    public void Describe(MessageBuffer message)
    {
        message.Format = Format;
        message.StreamId = StreamId;
        message.CorrelationId = CorrelationId;
        message.IsReply = IsReply;
    }

    private static int Length(ReadOnlySpan<byte> source, int limit, ref (string? Why, long Length) problem)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(source);
        if (length > limit) problem.Length = length;
        return (int)length;
    }
}
