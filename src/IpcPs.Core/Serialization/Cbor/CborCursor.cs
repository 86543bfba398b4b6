using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace IpcPs.Serialization.Cbor;

/// <summary>CBOR being read: heads and strings, each checked against what is left.</summary>
internal ref struct CborCursor(ReadOnlySpan<byte> bytes)
{
    /// <summary>The number of a head that has none: the item ends with a break.</summary>
    public const int IndefiniteLength = 31;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public readonly int Remaining => _bytes.Length - Position;

    public readonly byte Peek() => Position < _bytes.Length ? _bytes[Position] : throw CborError.Truncated();

    public void Skip(int bytes) => Position += bytes;

    /// <summary>Reads a head.</summary>
    /// <param name="argument">Its number; 0 where the length is indefinite.</param>
    /// <returns>Its first byte: major type in the upper three bits.</returns>
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

    /// <summary>The next bytes, which must be there.</summary>
    public ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)Remaining) throw CborError.Truncated();
        var taken = _bytes.Slice(Position, (int)length);
        Position += (int)length;
        return taken;
    }

    /// <summary>Reads past the break where one is next.</summary>
    public bool TryReadBreak()
    {
        if (Peek() != CborSimple.Break) return false;
        Position++;
        return true;
    }

    /// <summary>A count of items that can be in what is left, each being at least that many bytes.</summary>
    public readonly int Count(ulong claimed, int leastBytes) =>
        claimed <= (ulong)(Remaining / leastBytes) ? (int)claimed : throw CborError.Invalid($"it claims {claimed} items, and only {Remaining} bytes are left");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong ReadArgument(byte first)
    {
        switch (first & 31)
        {
            case 24:
                return Take(1)[0];
            case 25:
                return BinaryPrimitives.ReadUInt16BigEndian(Take(2));
            case 26:
                return BinaryPrimitives.ReadUInt32BigEndian(Take(4));
            case 27:
                return BinaryPrimitives.ReadUInt64BigEndian(Take(8));
            case IndefiniteLength when (CborMajor)(first & 0xE0) is CborMajor.Bytes or CborMajor.Text or CborMajor.Array or CborMajor.Map:
                return 0;
            default:
                throw CborError.Invalid($"byte 0x{first:x2} begins no value");
        }
    }
}
