using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace IpcPs.Serialization.Cbor;

/// <summary>Reads CBOR. Each head and string is checked against the number of bytes that are left.</summary>
internal ref struct CborCursor(ReadOnlySpan<byte> bytes)
{
    /// <summary>The low five bits of a head without a length: the item ends with a break.</summary>
    public const int IndefiniteLength = 31;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public readonly int Remaining => _bytes.Length - Position;

    public readonly byte Peek() => Position < _bytes.Length ? _bytes[Position] : throw CborError.Truncated();

    /// <summary>Moves past a byte that <see cref="Peek"/> returned.</summary>
    public void Skip() => Position++;

    /// <summary>Reads a head.</summary>
    /// <param name="argument">Its argument; 0 if the length is indefinite.</param>
    /// <returns>Its first byte: the major type is in the upper three bits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte ReadHead(out ulong argument)
    {
        var position = Position;
        if ((uint)position >= (uint)_bytes.Length) throw CborError.Truncated();
        var first = _bytes[position];
        Position = position + 1;
        argument = (uint)first & 31;
        if (argument >= 24) argument = ReadArgument(first);
        return first;
    }

    /// <summary>Reads the next bytes.</summary>
    public ReadOnlySpan<byte> ReadRaw(ulong length)
    {
        if (length > (ulong)Remaining) throw CborError.Truncated();
        var bytes = _bytes.Slice(Position, (int)length);
        Position += (int)length;
        return bytes;
    }

    /// <summary>Moves past a break, if one is next.</summary>
    public bool TryReadBreak()
    {
        if (Peek() != CborSimple.Break) return false;
        Position++;
        return true;
    }

    /// <summary>Checks that the bytes that are left can contain so many items of at least so many bytes each.</summary>
    public readonly int CheckCount(ulong claimed, int leastBytes) => claimed <= (ulong)(Remaining / leastBytes)
        ? (int)claimed
        : throw CborError.Invalid($"it claims {claimed} items, but only {Remaining} bytes are left");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong ReadArgument(byte first)
    {
        switch (first & 31)
        {
            case 24:
                return ReadRaw(1)[0];
            case 25:
                return BinaryPrimitives.ReadUInt16BigEndian(ReadRaw(2));
            case 26:
                return BinaryPrimitives.ReadUInt32BigEndian(ReadRaw(4));
            case 27:
                return BinaryPrimitives.ReadUInt64BigEndian(ReadRaw(8));
            case IndefiniteLength when (CborMajor)(first & 0xE0) is CborMajor.Bytes or CborMajor.Text or CborMajor.Array or CborMajor.Map:
                return 0;
            default:
                throw CborError.Invalid($"byte 0x{first:x2} does not begin a value");
        }
    }
}
