using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Sockets.Native;

/// <summary>The large messages that a Unix socket has not received when it is closed. The kernel drops the packets that refer to them, so
/// that their segments would stay. Another process may have the same socket: it only looks at the packets, and removes the segments if the
/// socket does not exist any more.</summary>
/// <remarks>Calls: recv(2) with MSG_PEEK, setsockopt(2) with SO_PEEK_OFF.</remarks>
internal sealed unsafe class UnreadReferences
{
    private const int MaxPackets = 10_000;

    // An empty packet and the end of the stream look alike.
    private const int MaxEmpty = 100;

    // A reference is shorter.
    private const int Head = 256;

    private readonly List<byte[]> _packets = [];
    private readonly IpcAddress _address;
    private readonly string _link;

    private UnreadReferences(NativeSocket socket)
    {
        _address = socket.Address;
        _link = ProcFile.ReadLink(ProcFile.Descriptor(socket.Descriptor.Number)) ?? "";
    }

    /// <summary>Looks at the packets that wait; null if none of them refers to a segment.</summary>
    public static UnreadReferences? Of(NativeSocket socket)
    {
        if (!socket.IsUnix || socket.Type == IpcSocketType.Stream || socket.Descriptor.IsClosed) return null;
        UnreadReferences? found = null;
        var head = stackalloc byte[Head];
        var (offset, empty) = (0, 0);
        for (var count = 0; count < MaxPackets; count++)
        {
            // With the offset 0 the kernel returns the first packet; with the length of some, the one after them.
            if (Libc.setsockopt(socket.Descriptor, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, &offset, 4) != 0) break;
            var length = Libc.recv(socket.Descriptor, head, Head, Libc.MSG_PEEK | Libc.MSG_DONTWAIT | Libc.MSG_TRUNC);
            // The peer's close is reported once, before the packets.
            if (length < 0 && count == 0 && Marshal.GetLastPInvokeError() == Errno.ECONNRESET) continue;
            if (length < 0 || (length == 0 && empty++ > MaxEmpty)) break;
            offset += (int)length;
            var packet = new ReadOnlySpan<byte>(head, (int)Math.Min(length, Head));
            if (MessageChannel.IsReference(packet)) (found ??= new UnreadReferences(socket))._packets.Add(packet.ToArray());
        }
        offset = -1;
        _ = Libc.setsockopt(socket.Descriptor, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, &offset, 4);
        return found;
    }

    /// <summary>Removes the segments, if the socket does not exist any more.</summary>
    public void Discard()
    {
        if (ProcNetTable.HasUnix(_link)) return;
        foreach (var packet in _packets) MessageChannel.Discard(packet, _address);
    }
}
