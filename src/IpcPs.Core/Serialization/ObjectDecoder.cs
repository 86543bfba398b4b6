using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Turns the payload of format Object back into values. Bytes from a peer are believed nothing: depth, counts and memory are limited
/// (<see cref="CodecLimits"/>), no type is created from a name, and whatever is wrong with them is an <see cref="IpcException"/>. Reused from one message
/// to the next; not shared between threads.</summary>
public sealed partial class ObjectDecoder
{
    // What .NET takes for each, generously: what the budget is charged.
    private const int ObjectCost = 32;
    private const int ReferenceCost = 8;
    private const int TableCost = 300;
    private const int EntryCost = 64;
    private const int BagCost = 450;
    private const int PropertyCost = 220;

    private readonly IObjectModel _model;
    private readonly NameCache _names = new();
    private ReadOnlyMemory<byte> _payload;
    private long _budget;

    /// <summary>Creates a decoder.</summary>
    /// <param name="model">What bags become; null for <see cref="ReflectionModel"/>, which makes <see cref="IpcPropertyBag"/>s.</param>
    public ObjectDecoder(IObjectModel? model = null) => _model = model ?? ReflectionModel.Instance;

    /// <summary>Decodes one value.</summary>
    /// <param name="payload">Exactly its bytes.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: no CBOR, or not as docs/wire-format.md says;
    /// <see cref="IpcErrors.MessageTooLarge"/>: it would become more memory than its size justifies.</exception>
    public object? Decode(ReadOnlyMemory<byte> payload)
    {
        _payload = payload;
        _budget = CodecLimits.MemoryFor(payload.Length);
        var cursor = new CborCursor(payload.Span);
        var value = Read(ref cursor, 0);
        return cursor.Remaining == 0 ? value : throw CborError.Invalid($"{cursor.Remaining} bytes follow its end");
    }

    private object? Read(ref CborCursor cursor, int depth)
    {
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
            case CborTags.Decorated:
                return ReadDecorated(ref cursor, depth);
            case CborTags.OrderedMap:
                return ReadOrdered(ref cursor, depth);
            case CborTags.List or CborTags.ArrayList:
                return ReadList(ref cursor, tag, depth);
            case CborTags.TypedArray:
                return ReadTypedArray(ref cursor, depth);
            case CborTags.Set:
                return ReadSet(ref cursor, depth);
            case >= CborTags.FirstTypedArray and <= CborTags.LastTypedArray:
                return NumberArrays.Read((uint)tag, ReadBytes(ref cursor));
            default:
                return ReadScalar(ref cursor, tag, depth);
        }
    }
}
