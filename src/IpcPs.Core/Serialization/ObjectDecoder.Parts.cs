using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>Strings, lengths and checks: what every kind of value is made of.</content>
public sealed partial class ObjectDecoder
{
    /// <summary>A text of which the same is expected again.</summary>
    private string ReadName(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        if ((CborMajor)(first & 0xE0) != CborMajor.Text || IsIndefinite(first)) return ReadStringBehind(ref cursor, first, length);
        Charge(ObjectCost + ((long)Math.Min(length, int.MaxValue) * 2));
        return _names.Get(cursor.Take(length));
    }

    private string ReadString(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        return ReadStringBehind(ref cursor, first, length);
    }

    private string? ReadStringOrNull(ref CborCursor cursor)
    {
        if (cursor.Peek() != CborSimple.Null) return ReadString(ref cursor);
        cursor.Skip(1);
        return null;
    }

    private string ReadStringBehind(ref CborCursor cursor, byte first, ulong argument)
    {
        if ((CborMajor)(first & 0xE0) != CborMajor.Tag || argument != CborTags.Wtf8)
        {
            Require(first, CborMajor.Text);
            return ReadText(ref cursor, first, argument);
        }
        var bytes = ReadBytes(ref cursor);
        Charge(ObjectCost + (bytes.Length * 2L));
        return Wtf8.Decode(bytes) ?? throw CborError.Invalid("a text is no valid WTF-8");
    }

    private string ReadText(ref CborCursor cursor, byte first, ulong length)
    {
        var bytes = IsIndefinite(first) ? ReadChunks(ref cursor, CborMajor.Text) : cursor.Take(length);
        Charge(ObjectCost + (bytes.Length * 2L));
        return CborText.Decode(bytes);
    }

    private ReadOnlySpan<byte> ReadTextBytes(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        Require(first, CborMajor.Text);
        return IsIndefinite(first) ? ReadChunks(ref cursor, CborMajor.Text) : cursor.Take(length);
    }

    private ReadOnlySpan<byte> ReadBytes(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var length);
        Require(first, CborMajor.Bytes);
        return ReadBytes(ref cursor, first, length);
    }

    private ReadOnlySpan<byte> ReadBytes(ref CborCursor cursor, byte first, ulong length)
    {
        var bytes = IsIndefinite(first) ? ReadChunks(ref cursor, CborMajor.Bytes) : cursor.Take(length);
        Charge(ObjectCost + bytes.Length);
        return bytes;
    }

    private ReadOnlySpan<byte> ReadChunks(ref CborCursor cursor, CborMajor major)
    {
        using var whole = new MemoryStream();
        while (!cursor.TryReadBreak())
        {
            var first = cursor.ReadHead(out var length);
            Require(first, major);
            if (IsIndefinite(first)) throw CborError.Invalid("a string of no stated length lies within another");
            var chunk = cursor.Take(length);
            Charge(chunk.Length * 3L);
            // Characters may not be split between chunks (RFC 8949, section 3.2.3).
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
            _ => throw CborError.Invalid("something else is where an integer belongs"),
        };
    }

    private static ulong ReadUnsigned(ref CborCursor cursor)
    {
        Require(cursor.ReadHead(out var argument), CborMajor.Unsigned);
        return argument;
    }

    private static long Within(long number, long lowest, long highest) =>
        number >= lowest && number <= highest ? number : throw CborError.Invalid($"{number} is not from {lowest} to {highest}, as it should be here");

    private static int ReadLength(ref CborCursor cursor, CborMajor major)
    {
        var first = cursor.ReadHead(out var length);
        Require(first, major);
        return IsIndefinite(first) || length > 16 ? throw CborError.Invalid("a part has the wrong number of items") : (int)length;
    }

    private static void RequireLength(ref CborCursor cursor, int length)
    {
        if (ReadLength(ref cursor, CborMajor.Array) != length) throw CborError.Invalid($"a tagged array has not the {length} items that its tag wants");
    }

    private static void Require(byte first, CborMajor major)
    {
        if ((CborMajor)(first & 0xE0) != major) throw CborError.Invalid($"byte 0x{first:x2} is where a value of another kind belongs");
    }

    private static bool IsIndefinite(byte first) => (first & 31) == CborCursor.IndefiniteLength;

    private static int Deeper(int depth) =>
        depth < CodecLimits.MaxDepth ? depth + 1 : throw CborError.Invalid($"its values lie more than {CodecLimits.MaxDepth} levels deep");

    private void Charge(long bytes)
    {
        if ((_budget -= bytes) < 0)
            throw new IpcException(IpcErrors.MessageTooLarge, $"A message of {_payload.Length} bytes would become more than {CodecLimits.MemoryFor(_payload.Length)} bytes of memory.", null,
                "Send it in parts.");
    }
}
