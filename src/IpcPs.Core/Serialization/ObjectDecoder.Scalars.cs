using System.Numerics;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>Numbers, moments and whatever else is one value.</content>
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
                return TimeCodec.FromUnix(Read(ref cursor, Deeper(depth)));
            case CborTags.Duration:
                return ReadDuration(ref cursor);
            case CborTags.PositiveBignum or CborTags.NegativeBignum or CborTags.DecimalFraction:
                return ReadRareNumber(ref cursor, (uint)tag);
            case CborTags.Uuid:
                var id = ReadBytes(ref cursor);
                return id.Length == 16 ? new Guid(id, bigEndian: true) : throw CborError.Invalid($"a UUID has {id.Length} bytes");
            case CborTags.Uri:
                return Uri.TryCreate(ReadString(ref cursor), UriKind.RelativeOrAbsolute, out var uri) ? uri : throw CborError.Invalid("a URI is none");
            case CborTags.Wtf8:
                var wtf = ReadBytes(ref cursor);
                Charge(wtf.Length * 2L);
                return Wtf8.Decode(wtf) ?? throw CborError.Invalid("a text is no valid WTF-8");
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
            default:
                // A tag says more about a value than one needs to know to read it (RFC 8949, section 3.4).
                return Read(ref cursor, Deeper(depth));
        }
    }

    private object Unsigned(ulong value)
    {
        if (value <= int.MaxValue)
        {
            Charge(ObjectCost);
            return BoxedValues.Of((int)value);
        }
        Charge(ObjectCost);
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
            _ => throw CborError.Invalid($"simple value 0x{first:x2} is not known"),
        };
    }

    private static object ReadSized(ref CborCursor cursor, uint tag)
    {
        if (tag == CborTags.UInt64) return ReadUnsigned(ref cursor);
        var number = ReadInteger(ref cursor);
        return tag switch
        {
            CborTags.SByte => (sbyte)Within(number, sbyte.MinValue, sbyte.MaxValue),
            CborTags.Byte => (byte)Within(number, byte.MinValue, byte.MaxValue),
            CborTags.Int16 => (short)Within(number, short.MinValue, short.MaxValue),
            CborTags.UInt16 => (ushort)Within(number, ushort.MinValue, ushort.MaxValue),
            CborTags.Char => (char)Within(number, char.MinValue, char.MaxValue),
            CborTags.UInt32 => (uint)Within(number, uint.MinValue, uint.MaxValue),
            _ => (object)number,
        };
    }

    private object ReadRareNumber(ref CborCursor cursor, uint tag)
    {
        if (tag == CborTags.DecimalFraction && RareNumbers.TryReadShort(ref cursor, out var number)) return number;
        // The package reads the tag too; where its head begins is known only if that is the one byte it should be.
        if (cursor.Position == 0 || _payload.Span[cursor.Position - 1] != ((byte)CborMajor.Tag | tag)) throw CborError.Invalid($"tag {tag} is not in its shortest form");
        var value = RareNumbers.Read(_payload[(cursor.Position - 1)..], tag, out var read);
        cursor.Skip(read - 1);
        Charge(read);
        return value;
    }

    private static TimeSpan ReadDuration(ref CborCursor cursor)
    {
        long seconds = 0, nanoseconds = 0;
        for (var left = ReadLength(ref cursor, CborMajor.Map); left > 0; left--)
        {
            var key = ReadInteger(ref cursor);
            var unit = ReadInteger(ref cursor);
            // RFC 9581: -3, -6 and -9 are the fraction in milli-, micro- and nanoseconds.
            var scale = key == -3 ? 1_000_000 : key == -6 ? 1000 : key == -9 ? 1 : 0;
            if (key != 1 && (scale == 0 || unit is < 0 or > 999_999_999)) throw CborError.Invalid("a duration is in a form that is not known");
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
        for (var i = 0; i < count; i++)
        {
            parts[i] = (int)Within(ReadInteger(ref cursor), 0, int.MaxValue);
        }
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
        return new IpcOmitted(reason == 1 ? IpcOmission.Cycle : reason == 2 ? IpcOmission.Depth : IpcOmission.Unknown, ReadName(ref cursor));
    }
}
