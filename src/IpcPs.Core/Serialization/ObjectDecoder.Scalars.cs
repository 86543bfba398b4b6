using System.Numerics;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>Numbers, dates and other single values.</content>
public sealed partial class ObjectDecoder
{
    private object? ReadScalar(ref CborCursor cursor, ulong tag, int depth)
    {
        Charge(ObjectCost);
        switch (tag)
        {
            case CborTags.DateTimeText:
                return TimeCodec.Moment(ReadTextBytes(ref cursor));
            case CborTags.LocalTime:
                return TimeCodec.Local(ReadTextBytes(ref cursor));
            case CborTags.UnspecifiedTime:
                return TimeCodec.Unspecified(ReadTextBytes(ref cursor));
            case CborTags.FullDate:
                return TimeCodec.Date(ReadTextBytes(ref cursor));
            case CborTags.TimeOfDay:
                return TimeCodec.TimeOfDay(ReadTextBytes(ref cursor));
            case CborTags.UnixTime:
                return TimeCodec.FromUnix(Read(ref cursor, Descend(depth)));
            case CborTags.Duration:
                return ReadDuration(ref cursor);
            case CborTags.PositiveBignum:
                return new BigInteger(ReadBytes(ref cursor), isUnsigned: true, isBigEndian: true);
            case CborTags.NegativeBignum:
                return -1 - new BigInteger(ReadBytes(ref cursor), isUnsigned: true, isBigEndian: true);
            case CborTags.DecimalFraction:
                return ReadDecimal(ref cursor);
            case CborTags.Uuid:
                var id = ReadBytes(ref cursor);
                return id.Length == 16 ? new Guid(id, bigEndian: true) : throw CborError.Invalid($"a UUID has {id.Length} bytes");
            case CborTags.Uri:
                var text = ReadString(ref cursor);
                return Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out var uri) ? uri : throw CborError.Invalid("a URI is not valid");
            case CborTags.Wtf8:
                return ReadWtf8(ref cursor);
            case CborTags.Enum:
                return ReadEnum(ref cursor);
            case CborTags.Version:
                return ReadVersion(ref cursor);
            case CborTags.ScriptText:
                return ReadString(ref cursor);
            case CborTags.Omitted:
                return ReadOmitted(ref cursor);
            case >= CborTags.SByte and <= CborTags.UInt64 or CborTags.Char:
                return ReadSized(ref cursor, (uint)tag);
            case >= CborTags.SecureString and <= CborTags.Restored or CborTags.IPv4 or CborTags.IPv6:
                return ReadKnown(ref cursor, (uint)tag, depth);
            default:
                // An unknown tag only adds meaning to a value, which can be read without it (RFC 8949, section 3.4).
                return Read(ref cursor, Descend(depth));
        }
    }

    private object Unsigned(ulong value)
    {
        Charge(ObjectCost);
        if (value <= int.MaxValue) return BoxedValues.Of((int)value);
        return value <= long.MaxValue ? (long)value : value;
    }

    private object Negative(ulong argument)
    {
        Charge(ObjectCost);
        if (argument > long.MaxValue) return -1 - (BigInteger)argument;
        var value = ~(long)argument;
        return value >= int.MinValue ? BoxedValues.Of((int)value) : value;
    }

    private object? ReadSimple(byte first, ulong argument)
    {
        switch (first)
        {
            case CborSimple.False:
                return BoxedValues.False;
            case CborSimple.True:
                return BoxedValues.True;
            case CborSimple.Null or CborSimple.Undefined:
                return null;
        }
        Charge(ObjectCost);
        return first switch
        {
            CborSimple.Half => (object)(double)BitConverter.UInt16BitsToHalf((ushort)argument),
            CborSimple.Single => BitConverter.UInt32BitsToSingle((uint)argument),
            CborSimple.Double => BitConverter.UInt64BitsToDouble(argument),
            _ => throw CborError.Invalid($"simple value 0x{first:x2} is not supported"),
        };
    }

    private static object ReadSized(ref CborCursor cursor, uint tag)
    {
        if (tag == CborTags.UInt64) return ReadUnsigned(ref cursor);
        var number = ReadInteger(ref cursor);
        return tag switch
        {
            CborTags.SByte => (sbyte)RequireRange(number, sbyte.MinValue, sbyte.MaxValue),
            CborTags.Byte => (byte)RequireRange(number, byte.MinValue, byte.MaxValue),
            CborTags.Int16 => (short)RequireRange(number, short.MinValue, short.MaxValue),
            CborTags.UInt16 => (ushort)RequireRange(number, ushort.MinValue, ushort.MaxValue),
            CborTags.Char => (char)RequireRange(number, char.MinValue, char.MaxValue),
            CborTags.UInt32 => (uint)RequireRange(number, uint.MinValue, uint.MaxValue),
            _ => (object)number,
        };
    }

    /// <summary>Reads [exponent, digits]. The digits are an integer or a bignum.</summary>
    private decimal ReadDecimal(ref CborCursor cursor)
    {
        const int MaxScale = 28;
        var items = cursor.ReadHead(out var count);
        Require(items, CborMajor.Array);
        if (count != 2 && !IsIndefinite(items)) throw CborError.Invalid("a decimal fraction does not have two items");
        var exponent = RequireRange(ReadInteger(ref cursor), -2 * MaxScale, MaxScale);
        var first = cursor.ReadHead(out var argument);
        var major = (CborMajor)(first & 0xE0);
        UInt128 digits = argument;
        var isNegative = major == CborMajor.Negative;
        if (major == CborMajor.Tag && argument is CborTags.PositiveBignum or CborTags.NegativeBignum)
        {
            isNegative = argument == CborTags.NegativeBignum;
            digits = ReadDigits(ref cursor);
        }
        else if (major != CborMajor.Unsigned && !isNegative)
        {
            throw CborError.Invalid($"byte 0x{first:x2} is where the digits of a decimal fraction are expected");
        }
        if (IsIndefinite(items) && !cursor.TryReadBreak()) throw CborError.Invalid("a decimal fraction does not have two items");
        if (isNegative) digits++;
        if (digits >> 96 != 0) throw TooLargeForDecimal();
        var scale = (byte)Math.Clamp(-exponent, 0, MaxScale);
        var value = new decimal((int)(uint)digits, (int)(uint)(digits >> 32), (int)(uint)(digits >> 64), isNegative, scale);
        try
        {
            for (; exponent > 0; exponent--) value *= 10;
            for (; exponent < -MaxScale; exponent++) value /= 10;
            return value;
        }
        catch (OverflowException)
        {
            throw TooLargeForDecimal();
        }

        static IpcException TooLargeForDecimal() => CborError.Invalid("a decimal fraction is too large for a Decimal");
    }

    /// <summary>Reads the bytes of a bignum that is the digits of a decimal.</summary>
    private UInt128 ReadDigits(ref CborCursor cursor)
    {
        UInt128 digits = 0;
        foreach (var next in ReadBytes(ref cursor)) digits = digits >> 96 == 0 ? (digits << 8) | next : digits;
        return digits;
    }

    private static TimeSpan ReadDuration(ref CborCursor cursor)
    {
        long seconds = 0, nanoseconds = 0;
        for (var left = ReadLength(ref cursor, CborMajor.Map); left > 0; left--)
        {
            var key = ReadInteger(ref cursor);
            var unit = ReadInteger(ref cursor);
            // RFC 9581: 1 has the seconds. -3, -6 and -9 have the fraction in milliseconds, microseconds and nanoseconds.
            var scale = key == -3 ? 1_000_000 : key == -6 ? 1000 : key == -9 ? 1 : 0;
            if (key != 1 && (scale == 0 || unit is < 0 or > 999_999_999))
                throw CborError.Invalid("the form of a duration is not supported");
            if (key == 1) seconds = unit;
            else nanoseconds += unit * scale;
        }
        return TimeCodec.Duration(seconds, nanoseconds);
    }

    private IpcEnum ReadEnum(ref CborCursor cursor)
    {
        RequireLength(ref cursor, 3);
        var type = ReadName(ref cursor);
        var name = ReadName(ref cursor);
        return new IpcEnum(type, name, ReadInteger(ref cursor));
    }

    private static Version ReadVersion(ref CborCursor cursor)
    {
        var count = ReadLength(ref cursor, CborMajor.Array);
        if (count is < 2 or > 4) throw CborError.Invalid($"a version has {count} numbers");
        Span<int> parts = stackalloc int[4];
        for (var i = 0; i < count; i++) parts[i] = (int)RequireRange(ReadInteger(ref cursor), 0, int.MaxValue);
        return count switch
        {
            2 => new Version(parts[0], parts[1]),
            3 => new Version(parts[0], parts[1], parts[2]),
            _ => new Version(parts[0], parts[1], parts[2], parts[3]),
        };
    }

    private IpcOmitted ReadOmitted(ref CborCursor cursor)
    {
        RequireLength(ref cursor, 2);
        var reason = ReadInteger(ref cursor);
        return new IpcOmitted(reason is 1 or 2 ? (IpcOmission)reason : IpcOmission.Unknown, ReadName(ref cursor));
    }

    /// <summary>Common values, boxed once, so that they need not be allocated for each message.</summary>
    private static class BoxedValues
    {
        private const int Lowest = -128;
        private const int Highest = 1023;

        public static readonly object True = true;
        public static readonly object False = false;

        private static readonly object[] Integers = [.. Enumerable.Range(Lowest, Highest - Lowest + 1)];

        public static object Of(int value) => value is >= Lowest and <= Highest ? Integers[value - Lowest] : value;
    }
}
