using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using IpcPs.Messaging;

namespace IpcPs.Serialization.Cbor;

/// <summary>CBOR (RFC 8949) being written: heads, text and bytes, straight into an array that grows and is reused. What is common goes this way, which
/// measured three to five times as fast as System.Formats.Cbor's writer; the rare numbers go through that package (<see cref="RareNumbers"/>).</summary>
internal sealed class CborBuffer
{
    /// <summary>Kept from one message to the next up to this size; a rare huge message does not pin its room.</summary>
    private const int KeptRoom = 1024 * 1024;

    private byte[] _bytes = new byte[512];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptRoom) _bytes = new byte[512];
    }

    /// <summary>Forgets what was written behind a position.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Room behind what is written; <see cref="Advance"/> says how much of it was used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int bytes)
    {
        if (_bytes.Length - Length < bytes) Grow(bytes);
        return _bytes.AsSpan(Length);
    }

    public void Advance(int bytes) => Length += bytes;

    public void Byte(byte value)
    {
        Reserve(1)[0] = value;
        Length++;
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>The head of an item: its major type and its number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Head(CborMajor major, ulong argument)
    {
        var target = Reserve(9);
        if (argument < 24)
        {
            target[0] = (byte)((int)major | (int)argument);
            Length++;
        }
        else
        {
            Length += LongHead(target, major, argument);
        }
    }

    public void Tag(uint tag) => Head(CborMajor.Tag, tag);

    public void Integer(long value)
    {
        if (value >= 0) Head(CborMajor.Unsigned, (ulong)value);
        else Head(CborMajor.Negative, (ulong)~value);
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Head(CborMajor.Bytes, (ulong)bytes.Length);
        Raw(bytes);
    }

    /// <summary>A text string; one that is no valid UTF-16 goes as tagged bytes that keep every unit.</summary>
    public void Text(ReadOnlySpan<char> text)
    {
        // The head's size is guessed from the number of characters, and right for ASCII, so that nothing has to be counted or moved.
        var head = HeadSize(text.Length);
        var target = Reserve(9 + (text.Length * 3));
        if (Utf8.FromUtf16(text, target[head..], out _, out var written, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done)
        {
            Tag(CborTags.Wtf8);
            Bytes(Wtf8.Encode(text));
            return;
        }
        var needed = HeadSize(written);
        if (needed != head) target.Slice(head, written).CopyTo(target[needed..]);
        if (written < 24) target[0] = (byte)((int)CborMajor.Text | written);
        else LongHead(target, CborMajor.Text, (ulong)written);
        Length += needed + written;
    }

    /// <summary>The head of an array or map whose number of items is not known yet: one byte, which <see cref="EndItems"/> fills in.</summary>
    public int BeginItems(CborMajor major)
    {
        Byte((byte)major);
        return Length - 1;
    }

    /// <summary>Fills in the number of items; more than 23 need a longer head, for which what follows moves up.</summary>
    public void EndItems(int begin, int count)
    {
        if (count < 24)
        {
            _bytes[begin] |= (byte)count;
            return;
        }
        var major = (CborMajor)_bytes[begin];
        var extra = HeadSize(count) - 1;
        Reserve(extra);
        _bytes.AsSpan(begin + 1, Length - begin - 1).CopyTo(_bytes.AsSpan(begin + 1 + extra));
        LongHead(_bytes.AsSpan(begin), major, (ulong)count);
        Length += extra;
    }

    private static int HeadSize(int argument) => argument switch
    {
        < 24 => 1,
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        _ => 5,
    };

    private static int LongHead(Span<byte> target, CborMajor major, ulong argument)
    {
        switch (argument)
        {
            case <= byte.MaxValue:
                target[1] = (byte)argument;
                target[0] = (byte)((int)major | 24);
                return 2;
            case <= ushort.MaxValue:
                BinaryPrimitives.WriteUInt16BigEndian(target[1..], (ushort)argument);
                target[0] = (byte)((int)major | 25);
                return 3;
            case <= uint.MaxValue:
                BinaryPrimitives.WriteUInt32BigEndian(target[1..], (uint)argument);
                target[0] = (byte)((int)major | 26);
                return 5;
            default:
                BinaryPrimitives.WriteUInt64BigEndian(target[1..], argument);
                target[0] = (byte)((int)major | 27);
                return 9;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int bytes)
    {
        var needed = (long)Length + bytes;
        // A text's room is reserved for three bytes a character, so the array may be larger than any message; what is written may not.
        if (needed > Array.MaxLength || Length > IpcChannel.MaxStreamMessage)
            throw new IpcException(IpcErrors.MessageTooLarge, $"The object needs more than the {IpcChannel.MaxStreamMessage} bytes that one message may have.", null,
                "Send it in parts, or only the properties that the other side needs.");
        Array.Resize(ref _bytes, (int)Math.Min(Math.Max(needed, (long)_bytes.Length * 2), Array.MaxLength));
    }
}
