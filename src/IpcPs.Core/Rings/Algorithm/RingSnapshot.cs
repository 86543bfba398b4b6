using System.Buffers.Binary;

namespace IpcPs.Rings.Algorithm;

/// <summary>How full a ring is, looked at from outside.</summary>
/// <param name="Delivery">Who receives a message.</param>
/// <param name="Capacity">The size of its data in bytes.</param>
/// <param name="Head">The position of the oldest message that not every reader has received.</param>
/// <param name="Tail">The position behind the newest message.</param>
internal readonly record struct RingSnapshot(RingDelivery Delivery, long Capacity, long Head, long Tail)
{
    private const int Header = RingLayout.Head + sizeof(long);
    private const int Size = RingLayout.Slots + (RingLayout.SlotCount * RingLayout.SlotSize);

    /// <summary>Bytes of the messages between both, plus 8 to 15 bytes for each.</summary>
    public long Pending => Math.Clamp(Tail - Head, 0, Capacity);

    /// <summary>Reads it from a ring's file.</summary>
    /// <returns>Null where it can't be read, or is not a ring.</returns>
    public static RingSnapshot? Read(string path)
    {
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (fd < 0) return null;
        using var file = new SafeDescriptor(fd);
        return Read(file);
    }

    /// <inheritdoc cref="Read(string)"/>
    public static RingSnapshot? Read(SafeDescriptor file)
    {
        Span<byte> bytes = stackalloc byte[Header];
        if (!Fill(file, bytes) || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != RingLayout.Magic) return null;
        var delivery = (RingDelivery)BinaryPrimitives.ReadInt32LittleEndian(bytes[RingLayout.DeliveryAt..]);
        // 12 KiB with the readers' slots, which only such a ring has.
        if (delivery == RingDelivery.BroadcastHold && !Fill(file, bytes = new byte[Size])) return null;
        var tail = BinaryPrimitives.ReadInt64LittleEndian(bytes[RingLayout.Tail..]);
        var head = delivery == RingDelivery.BroadcastHold ? SlowestReader(bytes, tail)
            : BinaryPrimitives.ReadInt64LittleEndian(bytes[RingLayout.Head..]);
        return new RingSnapshot(delivery, BinaryPrimitives.ReadInt64LittleEndian(bytes[RingLayout.CapacityAt..]), head, tail);
    }

    private static unsafe bool Fill(SafeDescriptor file, Span<byte> bytes)
    {
        fixed (byte* first = bytes) return Libc.pread(file, first, (nuint)bytes.Length, 0) == bytes.Length;
    }

    // Each reader of a broadcast that waits has a position of its own.
    private static long SlowestReader(ReadOnlySpan<byte> bytes, long tail)
    {
        var slowest = tail;
        for (var i = 0; i < RingLayout.SlotCount; i++)
        {
            var slot = bytes[RingLayout.Slot(i)..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(slot[RingLayout.SlotToken..]) == 0) continue;
            slowest = Math.Min(slowest, BinaryPrimitives.ReadInt64LittleEndian(slot[RingLayout.SlotCursor..]));
        }
        return slowest;
    }
}
