using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using IpcPs.Files;

namespace IpcPs.Rings.Algorithm;

/// <summary>What is written once into a ring's file, and checked by everybody who opens it.</summary>
internal readonly unsafe record struct RingHeader(RingDelivery Delivery, long Capacity, bool Persists)
{
    /// <summary>Bytes of the file that are read before it is mapped.</summary>
    public const int Size = 0x400;

    /// <summary>The header of a ring that is to be made.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static RingHeader For(in RingOptions options)
    {
        if (options.Capacity is < 1 or > RingLayout.MaxCapacity)
            throw IpcException.Argument($"A ring holds up to {RingLayout.MaxCapacity} bytes, and not {options.Capacity}.");
        if (options.Delivery is < RingDelivery.Queue or > RingDelivery.BroadcastDropOldest) throw IpcException.Argument($"{options.Delivery} is no way to deliver messages.");
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

    /// <summary>Reads and checks a file's header, and whose file it is.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidData"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static RingHeader Read(SafeDescriptor file, IpcAddress address)
    {
        Libc.Statx stat;
        if (Libc.statx(file, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &stat) != 0) throw IpcException.FromErrno("statx", Marshal.GetLastPInvokeError(), address.Text);
        var bytes = stackalloc byte[Size];
        if (!stat.IsType(Libc.S_IFREG) || Libc.pread(file, bytes, Size, 0) != Size) throw NoRing(address);
        var header = new ReadOnlySpan<byte>(bytes, Size);
        if (BinaryPrimitives.ReadUInt64LittleEndian(header[RingLayout.MagicAt..]) != RingLayout.Magic) throw NoRing(address);
        CheckOwner(stat, address);
        var version = BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.VersionAt..]);
        if (version != RingLayout.Version) throw Damaged(address, $"its layout is version {version}, and this library knows {RingLayout.Version}");
        var delivery = BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.DeliveryAt..]);
        if (delivery > (uint)RingDelivery.BroadcastDropOldest) throw Damaged(address, $"delivery {delivery} is not known");
        var capacity = BinaryPrimitives.ReadInt64LittleEndian(header[RingLayout.CapacityAt..]);
        if (capacity is < RingLayout.MinCapacity or > RingLayout.MaxCapacity || !BitOperations.IsPow2(capacity)) throw Damaged(address, $"it claims a capacity of {capacity} bytes");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.DataOffsetAt..]) != RingLayout.DataOffset
            || BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.SlotCountAt..]) != RingLayout.SlotCount) throw Damaged(address, "its parts are not where they belong");
        var size = RingLayout.DataOffset + capacity;
        if (stat.Size != (ulong)size) throw Damaged(address, $"the file has {stat.Size} bytes instead of {size}");
        // A file with holes would need memory when it is touched, and there may be none.
        if (stat.Blocks * 512 < stat.Size) FileAllocation.Reserve(file, 0, size, address, default);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(header[RingLayout.FlagsAt..]);
        return new RingHeader((RingDelivery)delivery, capacity, (flags & RingLayout.PersistentFlag) != 0);
    }

    /// <summary>The exception for a ring that contradicts itself.</summary>
    public static IpcException Damaged(IpcAddress address, string why) =>
        new(IpcErrors.InvalidData, $"The ring '{address}' is damaged: {why}.", address.Text) { Advice = IpcAdvice.RemoveAndCreate };

    private static IpcException NoRing(IpcAddress address) =>
        new(IpcErrors.WrongKind, $"'{RingFile.PathOf(address)}' is not a ring.", address.Text);

    // In a folder that all users write to, anybody can be there first with a name. A ring of a stranger is opened only if it was shared with a group that both belong to.
    private static void CheckOwner(in Libc.Statx stat, IpcAddress address)
    {
        var user = Libc.geteuid();
        const ushort GroupReadWrite = 0x30; // 0060
        if (user == 0 || stat.UserId == user || stat.UserId == 0 || ((stat.Mode & GroupReadWrite) == GroupReadWrite && Accounts.IsInGroup(stat.GroupId))) return;
        throw new IpcException(IpcErrors.AccessDenied, $"The ring '{address}' belongs to {Accounts.UserName(stat.UserId)}, who has not shared it with a group of yours.", address.Text,
            "Its owner can share it: a mode of 660, and a group that both of you belong to.");
    }
}
