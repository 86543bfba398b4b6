using System.Runtime.InteropServices;
using IpcPs.Messaging;

namespace IpcPs.Sockets.Native;

/// <summary>Packets that one recvmmsg(2) took, for a receiver that finds one after the other waiting for it: a call for each costs as much as all the rest.
/// Each has room for the longest that there can be, as in <see cref="PacketOverflow"/>.</summary>
internal sealed unsafe class PacketBatch
{
    // More at once gain nothing: the sender has sent no more by then.
    private const int Most = 8;

    // An address range; where net.core.wmem_max was raised far, there are fewer at once, or none.
    private const int MostBytes = 128 * 1024 * 1024;

    private static readonly int Count = Math.Min(Most, MostBytes / PacketOverflow.Length);

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

    /// <summary>Whether there is room for several of the longest packets.</summary>
    public static bool IsWorthwhile => Count > 1;

    /// <summary>Whether none is left.</summary>
    public bool IsEmpty => _next == _end;

    /// <summary>Takes the spare one, or makes one.</summary>
    public static PacketBatch Rent() => Interlocked.Exchange(ref s_spare, null) ?? new PacketBatch();

    /// <summary>Keeps it as the spare one. What is left in it is dropped.</summary>
    public void Return()
    {
        Drop();
        Volatile.Write(ref s_spare, this);
    }

    /// <summary>Receives what is there, up to as many as there is room for.</summary>
    /// <returns>How many; -1 where it would block; -2 at the end.</returns>
    public int TryFill(NativeSocket socket)
    {
        var control = _memory + (long)Count * PacketOverflow.Length;
        var vectors = (Libc.IoVector*)Marshal.UnsafeAddrOfPinnedArrayElement(_vectors, 0);
        for (var i = 0; i < Count; i++)
        {
            vectors[i] = new Libc.IoVector { Base = _memory + (long)i * PacketOverflow.Length, Length = (nuint)PacketOverflow.Length };
            _headers[i].Header = new Libc.MessageHeader { Vectors = vectors + i, VectorCount = 1, Control = control + i * AncillaryData.MaxControl, ControlLength = AncillaryData.MaxControl };
        }
        var filled = socket.TryReceivePackets((Libc.MultipleMessageHeader*)Marshal.UnsafeAddrOfPinnedArrayElement(_headers, 0), Count);
        _next = 0;
        _end = Math.Max(filled, 0);
        return filled;
    }

    /// <summary>Takes the next one out.</summary>
    /// <returns>Bytes of it; -2 at the end.</returns>
    public int Take(NativeSocket socket, MessageBuffer message, out ControlData data)
    {
        ref var packet = ref _headers[_next];
        var bytes = new ReadOnlySpan<byte>(_memory + (long)_next * PacketOverflow.Length, (int)packet.Length);
        _next++;
        if (socket.IsEnd(packet.Header, packet.Length, out data)) return -2;
        message.Set(bytes);
        return bytes.Length;
    }

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
