using System.Buffers.Binary;
using System.Numerics;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>Numbers, dates and other single values.</content>
public sealed partial class ObjectEncoder
{
    private bool TryWriteScalar(object value)
    {
        switch (value)
        {
            case TimeSpan span:
                TimeCodec.Write(_buffer, span);
                return true;
            case DateTimeOffset time:
                TimeCodec.Write(_buffer, time);
                return true;
            case Guid id:
                _buffer.Tag(CborTags.Uuid);
                _buffer.Head(CborMajor.Bytes, 16);
                id.TryWriteBytes(_buffer.Reserve(16), bigEndian: true, out _);
                _buffer.Advance(16);
                return true;
            case float number:
                _buffer.Reserve(5)[0] = CborSimple.Single;
                BinaryPrimitives.WriteSingleBigEndian(_buffer.Reserve(5)[1..], number);
                _buffer.Advance(5);
                return true;
            case byte number:
                return WriteTagged(CborTags.Byte, number);
            case sbyte number:
                return WriteTagged(CborTags.SByte, number);
            case short number:
                return WriteTagged(CborTags.Int16, number);
            case ushort number:
                return WriteTagged(CborTags.UInt16, number);
            case uint number:
                return WriteTagged(CborTags.UInt32, number);
            case ulong number:
                if (number <= long.MaxValue) _buffer.Tag(CborTags.UInt64);
                _buffer.Head(CborMajor.Unsigned, number);
                return true;
            case nint number:
                return WriteTagged(CborTags.Int64, number);
            case nuint number:
                Write((ulong)number);
                return true;
            case char unit:
                return WriteTagged(CborTags.Char, unit);
            case BigInteger number:
                WriteBignum(number);
                return true;
            case Int128 number:
                WriteBignum(number);
                return true;
            case UInt128 number:
                WriteBignum(number);
                return true;
            case Half number:
                Write((float)number);
                return true;
            case DateOnly date:
                TimeCodec.Write(_buffer, date);
                return true;
            case TimeOnly time:
                TimeCodec.Write(_buffer, time);
                return true;
            case Uri uri:
                _buffer.Tag(CborTags.Uri);
                _buffer.Text(uri.OriginalString);
                return true;
            case Version version:
                WriteVersion(version);
                return true;
            case IpcEnum copy:
                WriteEnum(copy.TypeName, copy.Name, copy.Value);
                return true;
            case IpcOmitted omitted:
                WriteOmitted(omitted.Reason, omitted.Text);
                return true;
            default:
                return TryWriteKnown(value);
        }
    }

    private bool WriteTagged(uint tag, long number)
    {
        _buffer.Tag(tag);
        _buffer.Integer(number);
        return true;
    }

    private void WriteBignum(BigInteger value)
    {
        var isNegative = value.Sign < 0;
        if (isNegative) value = -1 - value;
        _buffer.Tag(isNegative ? CborTags.NegativeBignum : CborTags.PositiveBignum);
        var length = value.GetByteCount(isUnsigned: true);
        _buffer.Head(CborMajor.Bytes, (ulong)length);
        value.TryWriteBytes(_buffer.Reserve(length), out _, isUnsigned: true, isBigEndian: true);
        _buffer.Advance(length);
    }

    /// <summary>Writes [exponent, digits], which keeps the number of decimal places: 1.50 stays 1.50.</summary>
    private void WriteDecimal(decimal value)
    {
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(value, parts);
        var digits = new UInt128((uint)parts[2], ((ulong)(uint)parts[1] << 32) | (uint)parts[0]);
        // The sign of zero is lost: CBOR's integers have none.
        var isNegative = decimal.IsNegative(value) && digits != 0;
        if (isNegative) digits--;
        _buffer.Tag(CborTags.DecimalFraction);
        _buffer.Head(CborMajor.Array, 2);
        _buffer.Integer(-value.Scale);
        if (digits <= ulong.MaxValue) _buffer.Head(isNegative ? CborMajor.Negative : CborMajor.Unsigned, (ulong)digits);
        else WriteBignum(isNegative ? -1 - (BigInteger)digits : digits);
    }

    private void WriteEnum(string typeName, string name, long number)
    {
        _buffer.Tag(CborTags.Enum);
        _buffer.Head(CborMajor.Array, 3);
        _buffer.Text(typeName);
        _buffer.Text(name);
        _buffer.Integer(number);
    }

    private void WriteVersion(Version version)
    {
        var parts = version.Revision >= 0 ? 4 : version.Build >= 0 ? 3 : 2;
        _buffer.Tag(CborTags.Version);
        _buffer.Head(CborMajor.Array, (ulong)parts);
        _buffer.Integer(version.Major);
        _buffer.Integer(version.Minor);
        if (parts > 2) _buffer.Integer(version.Build);
        if (parts > 3) _buffer.Integer(version.Revision);
    }

    private void WriteOmitted(IpcOmission reason, string text)
    {
        _buffer.Tag(CborTags.Omitted);
        _buffer.Head(CborMajor.Array, 2);
        _buffer.Integer((int)reason);
        _buffer.Text(text);
    }
}
