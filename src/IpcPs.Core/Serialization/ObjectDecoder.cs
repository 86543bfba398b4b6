using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Decodes the payload of format Object into values. It trusts no bytes: depth, counts and memory are limited
/// (<see cref="CodecLimits"/>), and no type is created from a name. Anything wrong with the bytes is an <see cref="IpcException"/>. An
/// instance is used for one message after another, by one thread at a time.</summary>
public sealed partial class ObjectDecoder
{
    // The memory that .NET needs for each of these, estimated generously. It is charged to the message's budget.
    private const int ObjectCost = 32;
    private const int ReferenceCost = 8;
    private const int TableCost = 300;
    private const int EntryCost = 64;
    private const int BagCost = 450;
    private const int PropertyCost = 220;

    private readonly IObjectModel _model;
    private readonly NameCache _names = new();
    private int _payloadLength;
    private long _budget;
    private uint _steps;
    private CancellationToken _cancellation;

    /// <summary>Creates a decoder.</summary>
    /// <param name="model">Creates the objects that arrive as property bags. If it is null, <see cref="ReflectionModel"/> does, and they
    /// are <see cref="IpcPropertyBag"/>s.</param>
    public ObjectDecoder(IObjectModel? model = null) => _model = model ?? ReflectionModel.Instance;

    /// <summary>Decodes one value.</summary>
    /// <param name="payload">The bytes of the value, and no others.</param>
    /// <param name="cancellation">Ends the decoding of a large value.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: the bytes are not what docs/wire-format.md describes.
    /// <see cref="IpcErrors.MessageTooLarge"/>: the value would need more memory than the size of the message justifies.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public object? Decode(ReadOnlyMemory<byte> payload, CancellationToken cancellation = default)
    {
        _cancellation = cancellation;
        _payloadLength = payload.Length;
        _budget = CodecLimits.MemoryFor(payload.Length);
        var cursor = new CborCursor(payload.Span);
        var value = Read(ref cursor, 0);
        return cursor.Remaining == 0 ? value : throw CborError.Invalid($"{cursor.Remaining} bytes follow the end of the value");
    }

    private object? Read(ref CborCursor cursor, int depth)
    {
        Step();
        var first = cursor.ReadHead(out var argument);
        switch ((CborMajor)(first & 0xE0))
        {
            case CborMajor.Unsigned:
                return Unsigned(argument);
            case CborMajor.Negative:
                return Negative(argument);
            case CborMajor.Bytes:
                return ReadBytes(ref cursor, first, argument).ToArray();
            case CborMajor.Text:
                return ReadText(ref cursor, first, argument);
            case CborMajor.Array:
                return ReadArray(ref cursor, first, argument, depth);
            case CborMajor.Map:
                return ReadTable(ref cursor, first, argument, depth);
            case CborMajor.Tag:
                return ReadTagged(ref cursor, argument, depth);
            default:
                return ReadSimple(first, argument);
        }
    }

    private object? ReadTagged(ref CborCursor cursor, ulong tag, int depth)
    {
        switch (tag)
        {
            case CborTags.Bag:
                return ReadBag(ref cursor, depth);
            case CborTags.NamedBag:
                return ReadNamedBag(ref cursor, depth);
            case CborTags.Object:
                return ReadObject(ref cursor, depth);
            case CborTags.Extended:
                return ReadExtended(ref cursor, depth);
            case CborTags.OrderedMap:
                return ReadOrdered(ref cursor, depth);
            case CborTags.List or CborTags.ArrayList:
                return ReadList(ref cursor, tag, depth);
            case CborTags.TypedArray:
                return ReadTypedArray(ref cursor, depth);
            case CborTags.Set:
                return ReadSet(ref cursor, depth);
            case >= CborTags.FirstNumberArray and <= CborTags.LastNumberArray:
                return ArrayType.Create((uint)tag, ReadBytes(ref cursor));
            default:
                return ReadScalar(ref cursor, tag, depth);
        }
    }

    /// <summary>Reads a text that is likely to come again: a name.</summary>
    private string ReadName(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        if ((CborMajor)(first & 0xE0) != CborMajor.Text || IsIndefinite(first)) return ReadString(ref cursor, first, length);
        Charge(ObjectCost + ((long)Math.Min(length, int.MaxValue) * 2));
        return _names.Get(cursor.ReadRaw(length));
    }

    private string ReadString(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        return ReadString(ref cursor, first, length);
    }

    private string? ReadStringOrNull(ref CborCursor cursor)
    {
        if (cursor.Peek() != CborSimple.Null) return ReadString(ref cursor);
        cursor.Skip();
        return null;
    }

    private string ReadString(ref CborCursor cursor, byte first, ulong argument)
    {
        if ((CborMajor)(first & 0xE0) == CborMajor.Tag && argument == CborTags.Wtf8) return ReadWtf8(ref cursor);
        Require(first, CborMajor.Text);
        return ReadText(ref cursor, first, argument);
    }

    private string ReadWtf8(ref CborCursor cursor)
    {
        var bytes = ReadBytes(ref cursor);
        Charge(ObjectCost + (bytes.Length * 2L));
        return Wtf8.Decode(bytes);
    }

    private string ReadText(ref CborCursor cursor, byte first, ulong length)
    {
        var bytes = IsIndefinite(first) ? ReadChunks(ref cursor, CborMajor.Text) : cursor.ReadRaw(length);
        Charge(ObjectCost + (bytes.Length * 2L));
        return CborText.Decode(bytes);
    }

    private ReadOnlySpan<byte> ReadTextBytes(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        Require(first, CborMajor.Text);
        return IsIndefinite(first) ? ReadChunks(ref cursor, CborMajor.Text) : cursor.ReadRaw(length);
    }

    private ReadOnlySpan<byte> ReadBytes(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        Require(first, CborMajor.Bytes);
        return ReadBytes(ref cursor, first, length);
    }

    private ReadOnlySpan<byte> ReadBytes(ref CborCursor cursor, byte first, ulong length)
    {
        var bytes = IsIndefinite(first) ? ReadChunks(ref cursor, CborMajor.Bytes) : cursor.ReadRaw(length);
        Charge(ObjectCost + bytes.Length);
        return bytes;
    }

    private ReadOnlySpan<byte> ReadChunks(ref CborCursor cursor, CborMajor major)
    {
        using var whole = new MemoryStream();
        while (!cursor.TryReadBreak())
        {
            Step();
            var first = cursor.ReadHead(out var length);
            Require(first, major);
            if (IsIndefinite(first)) throw CborError.Invalid("a string of indefinite length is inside another one");
            var chunk = cursor.ReadRaw(length);
            Charge(chunk.Length * 3L);
            // A character must not be split between chunks (RFC 8949, section 3.2.3).
            if (major == CborMajor.Text) CborText.Decode(chunk);
            whole.Write(chunk);
        }
        return whole.GetBuffer().AsSpan(0, (int)whole.Length);
    }

    private static long ReadInteger(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var argument);
        if (argument > long.MaxValue) throw CborError.Invalid("an integer is out of range");
        return (CborMajor)(first & 0xE0) switch
        {
            CborMajor.Unsigned => (long)argument,
            CborMajor.Negative => ~(long)argument,
            _ => throw CborError.Invalid($"byte 0x{first:x2} is where an integer is expected"),
        };
    }

    private static ulong ReadUnsigned(ref CborCursor cursor)
    {
        Require(cursor.ReadHead(out var argument), CborMajor.Unsigned);
        return argument;
    }

    private static long RequireRange(long number, long lowest, long highest) => number >= lowest && number <= highest
        ? number
        : throw CborError.Invalid($"{number} is where a number from {lowest} to {highest} is expected");

    private static int ReadLength(ref CborCursor cursor, CborMajor major)
    {
        var first = cursor.ReadHead(out var length);
        Require(first, major);
        return IsIndefinite(first) || length > 16 ? throw CborError.Invalid("an array or map has the wrong number of items") : (int)length;
    }

    private static void RequireLength(ref CborCursor cursor, int length)
    {
        if (ReadLength(ref cursor, CborMajor.Array) != length) throw CborError.Invalid($"a tagged array does not have {length} items");
    }

    private static void Require(byte first, CborMajor major)
    {
        if ((CborMajor)(first & 0xE0) != major)
            throw CborError.Invalid($"byte 0x{first:x2} is where major type {(int)major >> 5} is expected");
    }

    private static bool IsIndefinite(byte first) => (first & 31) == CborCursor.IndefiniteLength;

    private static int Descend(int depth) =>
        depth < CodecLimits.MaxDepth ? depth + 1 : throw CborError.Invalid($"it is nested more than {CodecLimits.MaxDepth} levels deep");

    /// <summary>Called in every loop whose length the peer chooses, so that Ctrl+C ends it.</summary>
    private void Step()
    {
        if ((++_steps & 1023) == 0) _cancellation.ThrowIfCancellationRequested();
    }

    private void Charge(long bytes)
    {
        if ((_budget -= bytes) >= 0) return;
        throw new IpcException(
            IpcErrors.MessageTooLarge,
            $"A message of {_payloadLength} bytes would need more than {CodecLimits.MemoryFor(_payloadLength)} bytes of memory.",
            null,
            "Send it in parts.");
    }
}
