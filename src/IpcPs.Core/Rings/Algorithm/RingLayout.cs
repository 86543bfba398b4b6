using System.Buffers.Binary;
using System.Numerics;
using IpcPs.Files;

namespace IpcPs.Rings.Algorithm;

/// <summary>The layout of a ring's file, which docs/wire-format.md describes. Fields that different processes write are 128 bytes apart: a
/// cache line each, and the neighbouring line that the processor fetches with it.</summary>
internal static class RingLayout
{
    /// <summary>"IPCPRING", little-endian.</summary>
    public const ulong Magic = 0x474E_4952_5043_5049;

    public const uint Version = 1;

    // Written once, before the file has a name.
    public const int MagicAt = 0x000;
    public const int VersionAt = 0x008;
    public const int DeliveryAt = 0x00C;
    public const int CapacityAt = 0x010;
    public const int DataOffsetAt = 0x018;
    public const int SlotCountAt = 0x01C;
    public const int FlagsAt = 0x020;

    /// <summary>Position after the last committed message. Storing it commits a message.</summary>
    public const int Tail = 0x080;

    /// <summary>Position of the first message that was not received yet (<see cref="RingDelivery.Queue"/>) or not dropped yet
    /// (<see cref="RingDelivery.BroadcastDropOldest"/>). Storing it removes messages.</summary>
    public const int Head = 0x100;

    /// <summary>The writers' lock: the token of the participant that is writing, or 0. After it comes the futex of the threads that wait
    /// for the lock (<see cref="LockSleepers"/>).</summary>
    public const int WriterLock = 0x180;

    /// <summary>The readers' lock of a queue, in the same form.</summary>
    public const int ReaderLock = 0x200;

    /// <summary>Futex: odd while a reader may sleep until there is a message (<see cref="RingEventCount"/>).</summary>
    public const int DataSleepers = 0x280;

    /// <summary>Futex: odd while a writer may sleep until there is buffer space.</summary>
    public const int SpaceSleepers = 0x300;

    /// <summary>Where the search for the next participant's token begins.</summary>
    public const int NextToken = 0x380;

    /// <summary>How many writers, and how many readers, have attached so far.</summary>
    public const int WritersEver = 0x384;
    public const int ReadersEver = 0x388;

    /// <summary>The readers of a <see cref="RingDelivery.BroadcastHold"/> ring: their tokens and cursors.</summary>
    public const int Slots = 0x1000;

    public const int SlotCount = 64;
    public const int SlotSize = 128;
    public const int SlotToken = 0;
    public const int SlotCursor = 64;

    /// <summary>Offset of the messages: a multiple of every page size that Linux has on x64 and arm64.</summary>
    public const int DataOffset = 0x10000;

    /// <summary>A token has 31 bits.</summary>
    public const uint TokenMask = 0x7FFF_FFFF;

    public const uint PersistentFlag = 1;

    public const long MinCapacity = 64 * 1024;
    public const long MaxCapacity = 1L << 30;
    public const long DefaultCapacity = 1024 * 1024;

    /// <summary>Bytes before each message: its length and its number, 4 bytes each.</summary>
    public const int RecordHeader = 8;

    /// <summary>The largest message in bytes. Two of them fit, so that one can be written while another is read.</summary>
    public static long MaxMessage(long capacity) => (capacity / 2) - (2 * RecordHeader);

    /// <summary>Bytes that a message occupies. Positions are multiples of 8, so that a header is read in one piece.</summary>
    public static long RecordSize(long length) => RecordHeader + ((length + 7) & ~7L);

    /// <summary>Futex: odd while a thread may sleep until a lock is free.</summary>
    public static int LockSleepers(int lockField) => lockField + 4;

    public static int Slot(int index) => Slots + (index * SlotSize);
}

/// <summary>The part of a ring's file that is written once. Every process that opens the file checks it.</summary>
internal readonly unsafe record struct RingHeader(RingDelivery Delivery, long Capacity, bool Persists)
{
    /// <summary>How many bytes of the file are read before it is mapped.</summary>
    public const int Size = 0x400;

    /// <summary>The header of a new ring.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static RingHeader For(in RingOptions options)
    {
        if (options.Capacity is < 1 or > RingLayout.MaxCapacity)
            throw IpcException.Argument($"A ring holds 1 to {RingLayout.MaxCapacity} bytes, not {options.Capacity}.");
        if (options.Delivery is < RingDelivery.Queue or > RingDelivery.BroadcastDropOldest)
            throw IpcException.Argument($"A ring has no delivery {options.Delivery}.");
        var capacity = (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(options.Capacity, RingLayout.MinCapacity));
        return new RingHeader(options.Delivery, capacity, options.Persist);
    }

    public void Write(Span<byte> target)
    {
        target.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target[RingLayout.MagicAt..], RingLayout.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[RingLayout.VersionAt..], RingLayout.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(target[RingLayout.DeliveryAt..], (uint)Delivery);
        BinaryPrimitives.WriteInt64LittleEndian(target[RingLayout.CapacityAt..], Capacity);
        BinaryPrimitives.WriteUInt32LittleEndian(target[RingLayout.DataOffsetAt..], RingLayout.DataOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(target[RingLayout.SlotCountAt..], RingLayout.SlotCount);
        BinaryPrimitives.WriteUInt32LittleEndian(target[RingLayout.FlagsAt..], Persists ? RingLayout.PersistentFlag : 0);
    }

    /// <summary>Reads a file's header, and checks it and the file's owner.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidData"/>,
    /// <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static RingHeader Read(SafeDescriptor file, IpcAddress address)
    {
        var stat = FileStatus.Of(file, address.Text);
        var bytes = stackalloc byte[Size];
        if (!stat.IsType(Libc.S_IFREG) || Libc.pread(file, bytes, Size, 0) != Size) throw NotARing(address);
        var header = new ReadOnlySpan<byte>(bytes, Size);
        if (BinaryPrimitives.ReadUInt64LittleEndian(header[RingLayout.MagicAt..]) != RingLayout.Magic) throw NotARing(address);
        CheckOwner(stat, address);
        var version = BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.VersionAt..]);
        if (version != RingLayout.Version)
            throw Damaged(address, $"its layout is version {version}, and this library supports version {RingLayout.Version}");
        var delivery = BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.DeliveryAt..]);
        if (delivery > (uint)RingDelivery.BroadcastDropOldest) throw Damaged(address, $"its delivery {delivery} is unknown");
        var capacity = BinaryPrimitives.ReadInt64LittleEndian(header[RingLayout.CapacityAt..]);
        if (capacity is < RingLayout.MinCapacity or > RingLayout.MaxCapacity || !BitOperations.IsPow2(capacity))
            throw Damaged(address, $"its capacity cannot be {capacity} bytes");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.DataOffsetAt..]) != RingLayout.DataOffset
            || BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.SlotCountAt..]) != RingLayout.SlotCount)
            throw Damaged(address, "its parts have the wrong offsets or sizes");
        var size = RingLayout.DataOffset + capacity;
        if (stat.Size != size) throw Damaged(address, $"the file has {stat.Size} bytes instead of {size}");
        // Pages that are missing in the file would be allocated when they are touched, and then there may be no memory.
        if (stat.AllocatedSize < stat.Size) FileAllocation.Reserve(file, 0, size, address, default);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.FlagsAt..]);
        return new RingHeader((RingDelivery)delivery, capacity, (flags & RingLayout.PersistentFlag) != 0);
    }

    /// <summary>The error for a ring whose contents cannot be right.</summary>
    public static IpcException Damaged(IpcAddress address, string why) =>
        new(IpcErrors.InvalidData, $"The ring '{address}' is damaged: {why}.", address.Text) { Advice = IpcAdvice.RemoveAndCreate };

    private static IpcException NotARing(IpcAddress address) =>
        new(IpcErrors.WrongKind, $"'{RingFile.PathOf(address)}' is not a ring.", address.Text);

    // Every user can create a file of any name in /dev/shm. So a ring of another user, other than root, is opened only if its owner has
    // shared it with a group that the current user belongs to.
    private static void CheckOwner(in FileStatus stat, IpcAddress address)
    {
        var user = Libc.geteuid();
        const UnixFileMode GroupReadWrite = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        if (user == 0 || stat.UserId == user || stat.UserId == 0) return;
        if ((stat.Mode & GroupReadWrite) == GroupReadWrite && Accounts.IsInGroup(stat.GroupId)) return;
        throw new IpcException(IpcErrors.AccessDenied,
            $"The ring '{address}' is owned by {Accounts.UserName(stat.UserId)} and not shared with a group of the current user.",
            address.Text, "Its owner can share it: with mode 660, and a group that both users belong to.");
    }
}
