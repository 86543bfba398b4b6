using System.Formats.Cbor;
using System.Numerics;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Numbers that are rare enough for the package's own reader and writer: bignums, decimal fractions, half floats.</summary>
internal static class RareNumbers
{
    // Where decimal.GetBits puts the digits, and how many decimal places there can be.
    private const int Low = 0;
    private const int Middle = 1;
    private const int High = 2;
    private const ulong MaxScale = 28;

    /// <summary>A decimal fraction, which keeps the number of decimal places: 1.50 stays 1.50.</summary>
    public static void Write(CborBuffer buffer, decimal value)
    {
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(value, parts);
        if (parts[High] != 0)
        {
            var writer = new CborWriter();
            writer.WriteDecimal(value);
            buffer.Raw(writer.Encode());
            return;
        }
        // 64 bits of digits are a plain integer, which is most decimals there are.
        var digits = (ulong)(uint)parts[Low] | ((ulong)(uint)parts[Middle] << 32);
        buffer.Tag(CborTags.DecimalFraction);
        buffer.Head(CborMajor.Array, 2);
        buffer.Integer(-value.Scale);
        if (digits != 0 && decimal.IsNegative(value)) buffer.Head(CborMajor.Negative, digits - 1);
        else buffer.Head(CborMajor.Unsigned, digits);
    }

    /// <summary>Reads a decimal fraction behind its tag, where its digits are a plain integer; else leaves the cursor where it is.</summary>
    public static bool TryReadShort(ref CborCursor cursor, out decimal value)
    {
        value = 0;
        var ahead = cursor;
        if (ahead.ReadHead(out var items) != ((byte)CborMajor.Array | 2) || items != 2) return false;
        var exponent = ahead.ReadHead(out var places);
        var scale = exponent == 0 ? 0 : (CborMajor)(exponent & 0xE0) == CborMajor.Negative && places < MaxScale ? (int)places + 1 : -1;
        if (scale < 0) return false;
        var isNegative = (CborMajor)(ahead.Peek() & 0xE0) == CborMajor.Negative;
        if (!isNegative && (CborMajor)(ahead.Peek() & 0xE0) != CborMajor.Unsigned) return false;
        ahead.ReadHead(out var digits);
        if (isNegative && ++digits == 0) return false;
        value = new decimal((int)(uint)digits, (int)(uint)(digits >> 32), 0, isNegative, (byte)scale);
        cursor = ahead;
        return true;
    }

    public static void Write(CborBuffer buffer, BigInteger value)
    {
        var writer = new CborWriter(CborConformanceMode.Lax, initialCapacity: value.GetByteCount() + 16);
        writer.WriteBigInteger(value);
        buffer.Raw(writer.Encode());
    }

    /// <summary>Reads the item at the front, tag included.</summary>
    /// <param name="bytes">From the tag on.</param>
    /// <param name="tag">Which.</param>
    /// <param name="read">How many bytes it took.</param>
    public static object Read(ReadOnlyMemory<byte> bytes, uint tag, out int read)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Lax, allowMultipleRootLevelValues: true);
            object value = tag == CborTags.DecimalFraction ? reader.ReadDecimal() : reader.ReadBigInteger();
            read = bytes.Length - reader.BytesRemaining;
            return value;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            throw CborError.Invalid($"a number with tag {tag} is none: {e.Message}", e);
        }
    }
}
