using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpcPs.Messaging;

namespace IpcPs.Sockets.Native;

/// <content>Receiving packets: seqpacket and datagram sockets.</content>
internal sealed unsafe partial class NativeSocket
{
    /// <summary>What a packet is received into at first; longer ones take a copy more.</summary>
    private const int PacketRoom = 4096;

    /// <summary>Receives one packet, however long it is.</summary>
    /// <param name="message">Where its bytes go.</param>
    /// <param name="data">What came along.</param>
    /// <param name="sender">Where it came from; null where that is not of interest.</param>
    /// <returns>Bytes received; -1 where it would block; -2 at the end (seqpacket).</returns>
    [SkipLocalsInit]
    public int TryReceivePacket(MessageBuffer message, out ControlData data, NativeSocketAddress* sender)
    {
        data = default;
        var control = stackalloc byte[AncillaryData.MaxControl];
        using var rest = PacketOverflow.Rent();
        var room = message.Reserve(PacketRoom);
        fixed (byte* into = room)
        {
            var vectors = stackalloc Libc.IoVector[2];
            vectors[0] = new Libc.IoVector { Base = into, Length = (nuint)room.Length };
            vectors[1] = new Libc.IoVector { Base = rest.Pointer, Length = (nuint)PacketOverflow.Length };
            while (true)
            {
                var header = new Libc.MessageHeader { Vectors = vectors, VectorCount = 2, Control = control, ControlLength = AncillaryData.MaxControl };
                if (sender is not null)
                {
                    fixed (byte* name = sender->Buffer) header.Name = name;
                    header.NameLength = NativeSocketAddress.Capacity;
                }
                var received = Libc.recvmsg(Descriptor, &header, Flags | Libc.MSG_CMSG_CLOEXEC);
                if (received < 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    if (errno == Errno.EINTR) continue;
                    if (errno == Errno.EAGAIN) return -1;
                    if (errno == Errno.ECONNRESET && Type == IpcSocketType.SeqPacket) return -2;
                    throw ReceiveFailed(errno);
                }
                if (sender is not null) sender->Length = header.NameLength;
                if (IsEnd(header, received, out data)) return -2;
                if (received <= room.Length) message.Length = (int)received;
                else Join(message, room, rest, (int)received);
                return (int)received;
            }
        }
    }

    /// <summary>Receives the packets that are there (recvmmsg(2)).</summary>
    /// <param name="headers">Where they go.</param>
    /// <param name="count">How many may.</param>
    /// <returns>How many did; -1 where it would block; -2 at the end.</returns>
    public int TryReceivePackets(Libc.MultipleMessageHeader* headers, int count)
    {
        while (true)
        {
            var received = Libc.recvmmsg(Descriptor, headers, (uint)count, Flags | Libc.MSG_CMSG_CLOEXEC, null);
            if (received >= 0) return received;
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EAGAIN) return -1;
            if (errno == Errno.ECONNRESET && Type == IpcSocketType.SeqPacket) return -2;
            if (errno != Errno.EINTR) throw ReceiveFailed(errno);
        }
    }

    /// <summary>Takes out of a header what recvmsg(2) left there.</summary>
    /// <returns>True where there was no packet: the end.</returns>
    public bool IsEnd(in Libc.MessageHeader header, long received, out ControlData data)
    {
        data = AncillaryData.Read(header.Control, (int)header.ControlLength);
        data.LostHandles = (header.Flags & Libc.MSG_CTRUNC) != 0;
        // Every packet comes with its sender's credentials; the end comes with nothing.
        if (received == 0 && Type == IpcSocketType.SeqPacket && data.Sender is null) return true;
        if ((header.Flags & Libc.MSG_TRUNC) != 0) throw Truncated(ref data);
        return false;
    }

    private static void Join(MessageBuffer message, ReadOnlySpan<byte> room, PacketOverflow rest, int length)
    {
        var whole = GC.AllocateUninitializedArray<byte>(length);
        room.CopyTo(whole);
        new ReadOnlySpan<byte>(rest.Pointer, length - room.Length).CopyTo(whole.AsSpan(room.Length));
        message.Swap(whole, length);
    }

    private IpcException Truncated(ref ControlData data)
    {
        if (data.Handles is not null) foreach (var handle in data.Handles) handle.Dispose();
        return new IpcException(IpcErrors.MessageTooLarge, $"A message on '{Address}' had more bytes than net.core.wmem_max lets a socket send, and was cut off.", Address.Text,
            "Its sender has raised its SO_SNDBUF beyond the limit (SO_SNDBUFFORCE); let it send less at once.");
    }
}
