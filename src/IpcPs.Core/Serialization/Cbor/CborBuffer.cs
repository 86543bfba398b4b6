using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using IpcPs.Messaging;

namespace IpcPs.Serialization.Cbor;

/// <summary>Writes CBOR (RFC 8949) into an array that grows and is reused. It measured three to five times as fast as the writer of the
/// package System.Formats.Cbor, which the tests use to check what is written here.</summary>
internal sealed class CborBuffer
{
    private const int InitialCapacity = 512;

    /// <summary>A larger array is not kept for the next message: one huge message must not occupy its memory from then on.</summary>
    private const int MaxRetainedCapacity = 1024 * 1024;

    /// <summary>A text of more characters is counted before it is written.</summary>
    private const int LongText = 64 * 1024;

    private byte[] _bytes = new byte[InitialCapacity];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > MaxRetainedCapacity) _bytes = new byte[InitialCapacity];
    }

    /// <summary>The buffer space after what is written, at least that many bytes. <see cref="Advance"/> says how many of them were
    /// used.</summary>
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

    /// <summary>Writes the head of an item: its major type and its argument.</summary>
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
        bytes.CopyTo(ReserveExactly(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Writes a text string. A string that is not valid UTF-16 becomes tagged bytes that keep every unit of it.</summary>
    public void Text(ReadOnlySpan<char> text)
    {
        // The size of the head is guessed from the number of characters. That is right for ASCII, where nothing has to be counted or moved.
        var head = HeadSize(text.Length);
        // A character takes three bytes at most. A long text is counted first, because that memory would be touched for nothing.
        var target = text.Length <= LongText ? Reserve(9 + (text.Length * 3)) : ReserveExactly(9 + Encoding.UTF8.GetByteCount(text));
        if (Utf8.FromUtf16(text, target[head..], out _, out var written, replaceInvalidSequences: false) != OperationStatus.Done)
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

    /// <summary>Begins an array or map whose number of items is not known yet. Its head is one byte, which <see cref="EndItems"/> fills
    /// in.</summary>
    /// <returns>The position of the head, for <see cref="EndItems"/>.</returns>
    public int BeginItems(CborMajor major)
    {
        Byte((byte)major);
        return Length - 1;
    }

    /// <summary>Fills in the number of items. More than 23 need a longer head, and the items are moved to make space for it.</summary>
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

    /// <summary>As <see cref="Reserve"/>, for that many bytes and not fewer: it fails before anything is copied.</summary>
    private Span<byte> ReserveExactly(int bytes)
    {
        var needed = (long)Length + bytes;
        return needed > IpcChannel.MaxStreamMessage ? throw CodecLimits.TooLarge(needed) : Reserve(bytes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int bytes)
    {
        var needed = (long)Length + bytes;
        // A text reserves up to three bytes a character, so the array may be larger than any message. What is written may not.
        if (needed > Array.MaxLength || Length > IpcChannel.MaxStreamMessage) throw CodecLimits.TooLarge(needed);
        // Not Array.Resize, which clears the memory: that takes as long as to write it.
        var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(Math.Max(needed, (long)_bytes.Length * 2), Array.MaxLength));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        _bytes = larger;
    }
}
