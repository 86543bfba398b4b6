using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Sockets.Native;

/// <summary>A buffer for the end of a packet that is longer than the receiver's own buffer. A packet must be received in one call, or its
/// end is lost, and its length is not known before. So this buffer has space for the longest possible packet. Its pages use memory only
/// once they are written: for short packets it costs address space only.</summary>
internal readonly unsafe struct PacketOverflow : IDisposable
{
    private const int MinSize = 256 * 1024;

    private static nint s_spare;

    private PacketOverflow(byte* pointer) => Pointer = pointer;

    public byte* Pointer { get; }

    /// <summary>Bytes in each buffer. The limit of SO_SNDBUF is wmem_max, and the kernel doubles the value that is set.</summary>
    public static int Length { get; } = MinSize + 2 * Math.Min(WriteMemoryLimit(), 512 * 1024 * 1024);

    /// <summary>Returns the spare buffer, or a new one.</summary>
    public static PacketOverflow Rent()
    {
        var spare = Interlocked.Exchange(ref s_spare, 0);
        return new PacketOverflow(spare != 0 ? (byte*)spare : (byte*)NativeMemory.Alloc((nuint)Length));
    }

    /// <summary>Keeps it as the spare buffer, unless there is one.</summary>
    public void Dispose()
    {
        if (Interlocked.CompareExchange(ref s_spare, (nint)Pointer, 0) != 0) NativeMemory.Free(Pointer);
    }

    // Some containers hide the setting. 16 MiB is the largest value in common use.
    private static int WriteMemoryLimit() => (int)Math.Min(Sysctl.Read("net.core.wmem_max") ?? 16 * 1024 * 1024, int.MaxValue);
}

/// <summary>Packets that one recvmmsg(2) received, for a receiver that has found a packet waiting several times in a row. A system call for
/// each would cost as much as everything else. Each packet has space for the longest possible one, as in
/// <see cref="PacketOverflow"/>.</summary>
internal sealed unsafe class PacketBatch
{
    // More do not make it faster: a sender has not sent more by then.
    private const int MaxCount = 8;

    // Limits the address space. If net.core.wmem_max is very large, a batch has fewer packets or is not used.
    private const int MaxBytes = 128 * 1024 * 1024;

    private static readonly int Count = Math.Min(MaxCount, MaxBytes / PacketOverflow.Length);

    private static PacketBatch? s_spare;

    private readonly byte* _memory = (byte*)NativeMemory.Alloc((nuint)Count, (nuint)(PacketOverflow.Length + AncillaryData.MaxControl));
    private readonly Libc.MultipleMessageHeader[] _headers = GC.AllocateArray<Libc.MultipleMessageHeader>(Count, pinned: true);
    private readonly Libc.IoVector[] _vectors = GC.AllocateArray<Libc.IoVector>(Count, pinned: true);
    private int _next;
    private int _end;

    private PacketBatch()
    {
    }

    ~PacketBatch()
    {
        Drop();
        NativeMemory.Free(_memory);
    }

    /// <summary>Whether a batch has space for several packets.</summary>
    public static bool IsWorthwhile => Count > 1;

    public bool IsEmpty => _next == _end;

    /// <summary>Returns the spare batch, or a new one.</summary>
    public static PacketBatch Rent() => Interlocked.Exchange(ref s_spare, null) ?? new PacketBatch();

    /// <summary>Keeps it as the spare batch. Packets that are left in it are dropped.</summary>
    public void Return(IpcAddress address)
    {
        for (var i = _next; i < _end; i++) MessageChannel.Discard(Packet(i), address);
        Drop();
        Volatile.Write(ref s_spare, this);
    }

    /// <summary>Receives the packets that are there, as many as it has space for.</summary>
    /// <returns>How many; -1 if it would block; -2 at the end of the stream.</returns>
    public int TryFill(NativeSocket socket)
    {
        var control = _memory + (long)Count * PacketOverflow.Length;
        var vectors = (Libc.IoVector*)Marshal.UnsafeAddrOfPinnedArrayElement(_vectors, 0);
        for (var i = 0; i < Count; i++)
        {
            vectors[i] = new Libc.IoVector { Base = _memory + (long)i * PacketOverflow.Length, Length = (nuint)PacketOverflow.Length };
            _headers[i].Header = new Libc.MessageHeader
            {
                Vectors = vectors + i,
                VectorCount = 1,
                Control = control + i * AncillaryData.MaxControl,
                ControlLength = AncillaryData.MaxControl,
            };
        }
        var headers = (Libc.MultipleMessageHeader*)Marshal.UnsafeAddrOfPinnedArrayElement(_headers, 0);
        var filled = socket.TryReceivePackets(headers, Count);
        _next = 0;
        _end = Math.Max(filled, 0);
        return filled;
    }

    /// <summary>Moves the next packet into a message.</summary>
    /// <returns>Its length in bytes; -2 at the end of the stream.</returns>
    public int Take(NativeSocket socket, MessageBuffer message, out ControlData data)
    {
        ref var packet = ref _headers[_next];
        var bytes = Packet(_next++);
        if (socket.IsEnd(packet.Header, packet.Length, out data)) return -2;
        message.Set(bytes);
        return bytes.Length;
    }

    private ReadOnlySpan<byte> Packet(int index) =>
        new(_memory + (long)index * PacketOverflow.Length, (int)_headers[index].Length);

    private void Drop()
    {
        for (; _next < _end; _next++)
        {
            ref var header = ref _headers[_next].Header;
            if (AncillaryData.Read(header.Control, (int)header.ControlLength).Handles is not { } handles) continue;
            foreach (var handle in handles) handle.Dispose();
        }
    }
}
