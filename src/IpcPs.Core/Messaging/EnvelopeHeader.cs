using System.Buffers.Binary;

namespace IpcPs.Messaging;

/// <summary>The envelope's header as docs/wire-format.md lays it out: 8 bytes, then 16 where the message comes in fragments, then 8
/// where there is a correlation id. Little-endian throughout.</summary>
internal readonly record struct EnvelopeHeader
{
    /// <summary>Never the first byte of UTF-8 text: what tells an envelope from a line.</summary>
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

    /// <summary>Fragments: a random number of the sending channel, so that fragments of several writers can be told apart.</summary>
    public ulong WriterId { get; init; }

    /// <summary>Fragments: bytes in the whole message.</summary>
    public int MessageLength { get; init; }

    /// <summary>Fragments: where in the message this one begins.</summary>
    public int Offset { get; init; }

    public bool IsReply { get; init; }
    public ulong CorrelationId { get; init; }

    /// <summary>The payload is not the message but the name of the shared memory that has it.</summary>
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

    /// <summary>Writes the header to the front of the span.</summary>
    public int Write(Span<byte> target)
    {
        target[0] = Marker;
        target[1] = Version;
        target[2] = (byte)((IsFragment ? FragmentFlag : 0) | (CorrelationId != 0 ? CorrelationFlag : 0) | (IsReply ? ReplyFlag : 0) | (IsReference ? ReferenceFlag : 0));
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
    /// <param name="source">What has arrived.</param>
    /// <param name="limit">The largest message that is believed.</param>
    /// <param name="address">Whose, for the error.</param>
    /// <param name="header">The header.</param>
    /// <returns>False where more bytes are needed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>, <see cref="IpcErrors.MessageTooLarge"/>.</exception>
    public static bool TryRead(ReadOnlySpan<byte> source, int limit, IpcAddress address, out EnvelopeHeader header)
    {
        header = default;
        if (source.Length < FixedSize) return source.Length >= 2 && source[1] != Version ? throw Invalid(address, $"version {source[1]} is not known") : false;
        if (source[0] != Marker || source[1] != Version) throw Invalid(address, $"version {source[1]} is not known");
        var flags = source[2];
        var format = (IpcFormat)(source[3] & 0xF);
        if ((flags & ~KnownFlags) != 0) throw Invalid(address, $"flags 0x{flags:x2} are not known");
        if (format is < IpcFormat.Object or > IpcFormat.Bytes) throw Invalid(address, $"format {(int)format} is not known");
        var fragment = (flags & FragmentFlag) != 0;
        var correlation = (flags & CorrelationFlag) != 0;
        var payload = Length(source[4..], limit, address);
        var size = SizeFromFlags(flags);
        if (source.Length < size) return false;
        header = new EnvelopeHeader
        {
            Format = format,
            StreamId = (byte)(source[3] >> 4),
            PayloadLength = payload,
            IsFragment = fragment,
            WriterId = fragment ? BinaryPrimitives.ReadUInt64LittleEndian(source[FixedSize..]) : 0,
            MessageLength = fragment ? Length(source[(FixedSize + 8)..], limit, address) : payload,
            Offset = fragment ? Length(source[(FixedSize + 12)..], limit, address) : 0,
            CorrelationId = correlation ? BinaryPrimitives.ReadUInt64LittleEndian(source[(size - CorrelationSize)..]) : 0,
            IsReply = (flags & ReplyFlag) != 0,
            IsReference = (flags & ReferenceFlag) != 0,
        };
        if (correlation && header.CorrelationId == 0) throw Invalid(address, "a correlation id of 0 is none");
        if (fragment && (payload == 0 || (long)header.Offset + payload > header.MessageLength)) throw Invalid(address, "a fragment lies outside of its message");
        return true;
    }

    /// <summary>Bytes of a header with those flags.</summary>
    public static int SizeFromFlags(byte flags) =>
        FixedSize + ((flags & FragmentFlag) != 0 ? FragmentSize : 0) + ((flags & CorrelationFlag) != 0 ? CorrelationSize : 0);

    /// <summary>Hands the header's facts to the message.</summary>
    public void Describe(MessageBuffer message)
    {
        message.Format = Format;
        message.StreamId = StreamId;
        message.CorrelationId = CorrelationId;
        message.IsReply = IsReply;
    }

    private static int Length(ReadOnlySpan<byte> source, int limit, IpcAddress address)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(source);
        if (length > limit)
            throw new IpcException(IpcErrors.MessageTooLarge, $"A header on '{address}' claims {length} bytes; at most {limit} are accepted.", address.Text);
        return (int)length;
    }

    private static IpcException Invalid(IpcAddress address, string why) =>
        new(IpcErrors.InvalidData, $"What arrived on '{address}' begins like an IpcPs envelope and is none: {why}.", address.Text)
        { Advice = IpcAdvice.ReceiveBytes };
}
