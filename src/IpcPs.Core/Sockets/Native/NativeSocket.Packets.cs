using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpcPs.Messaging;

namespace IpcPs.Sockets.Native;

/// <content>Sending and receiving packets: seqpacket and datagram sockets.</content>
internal sealed unsafe partial class NativeSocket
{
    /// <summary>Packets of up to this many bytes are received into the message directly. Longer ones are copied once more.</summary>
    private const int DirectBytes = 4096;

    /// <summary>Sends a packet to the peer of a connected socket. Waits for buffer space.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Full"/> (immediate deadline),
    /// <see cref="IpcErrors.PeerClosed"/>, <see cref="IpcErrors.MessageTooLarge"/>.</exception>
    public void SendPacket(
        ReadOnlySpan<byte> packet, IReadOnlyList<SafeHandle>? handles, in WaitOptions wait, CancellationToken closing)
    {
        if (handles is not null) SocketErrors.RejectDescriptors(this);
        fixed (byte* bytes = packet)
        {
            var attempt = new SendAttempt(this, bytes, packet.Length, handles);
            if (!Waiter.UntilWritable(ref attempt, Descriptor, wait, closing))
                throw IpcException.TimedOut($"buffer space on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Full);
        }
    }

    /// <summary>Receives one packet of any length.</summary>
    /// <param name="message">The message that gets its bytes.</param>
    /// <param name="data">What came with it.</param>
    /// <param name="sender">Gets the sender's address; null if it is not needed.</param>
    /// <returns>Bytes received; -1 if it would block; -2 at the end of the stream (seqpacket).</returns>
    [SkipLocalsInit]
    public int TryReceivePacket(MessageBuffer message, out ControlData data, NativeSocketAddress* sender)
    {
        data = default;
        var control = stackalloc byte[AncillaryData.MaxControl];
        using var overflow = PacketOverflow.Rent();
        var direct = message.Reserve(DirectBytes);
        fixed (byte* into = direct)
        {
            var vectors = stackalloc Libc.IoVector[2];
            vectors[0] = new Libc.IoVector { Base = into, Length = (nuint)direct.Length };
            vectors[1] = new Libc.IoVector { Base = overflow.Pointer, Length = (nuint)PacketOverflow.Length };
            while (true)
            {
                var header = new Libc.MessageHeader
                { Vectors = vectors, VectorCount = 2, Control = control, ControlLength = AncillaryData.MaxControl };
                if (sender is not null)
                {
                    fixed (byte* name = sender->Buffer) header.Name = name;
                    header.NameLength = NativeSocketAddress.Capacity;
                }
                var received = Libc.recvmsg(Descriptor, &header, Flags | Libc.MSG_CMSG_CLOEXEC);
                if (received < 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    // The peer closed without receiving all. The kernel reports that once; the packets that the peer sent come after it.
                    if (errno == Errno.EINTR || (errno == Errno.ECONNRESET && Type == IpcSocketType.SeqPacket)) continue;
                    if (errno == Errno.EAGAIN) return -1;
                    throw SocketErrors.ReceiveFailed(Address, errno);
                }
                if (sender is not null) sender->Length = header.NameLength;
                if (IsEnd(header, received, out data)) return -2;
                if (received <= direct.Length) message.Length = (int)received;
                else Join(message, direct, overflow, (int)received);
                return (int)received;
            }
        }
    }

    /// <summary>Receives the packets that are there (recvmmsg(2)).</summary>
    /// <param name="headers">The headers with the buffers for them.</param>
    /// <param name="count">How many headers there are.</param>
    /// <returns>How many packets were received; -1 if it would block; -2 at the end of the stream.</returns>
    public int TryReceivePackets(Libc.MultipleMessageHeader* headers, int count)
    {
        while (true)
        {
            var received = Libc.recvmmsg(Descriptor, headers, (uint)count, Flags | Libc.MSG_CMSG_CLOEXEC, null);
            if (received >= 0) return received;
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EAGAIN) return -1;
            if (errno == Errno.ECONNRESET && Type == IpcSocketType.SeqPacket) continue;
            if (errno != Errno.EINTR) throw SocketErrors.ReceiveFailed(Address, errno);
        }
    }

    /// <summary>Reads the control data of a header that recvmsg(2) filled.</summary>
    /// <returns>True if it is not a packet but the end of the stream.</returns>
    public bool IsEnd(in Libc.MessageHeader header, long received, out ControlData data)
    {
        data = AncillaryData.Read(header.Control, (int)header.ControlLength);
        data.LostHandles = (header.Flags & Libc.MSG_CTRUNC) != 0;
        // Every packet comes with its sender's credentials; the end of the stream has none.
        if (received == 0 && Type == IpcSocketType.SeqPacket && data.Sender is null) return true;
        if ((header.Flags & Libc.MSG_TRUNC) != 0) throw Truncated(ref data);
        return false;
    }

    private static void Join(MessageBuffer message, ReadOnlySpan<byte> direct, PacketOverflow overflow, int length)
    {
        var whole = GC.AllocateUninitializedArray<byte>(length);
        direct.CopyTo(whole);
        new ReadOnlySpan<byte>(overflow.Pointer, length - direct.Length).CopyTo(whole.AsSpan(direct.Length));
        message.Swap(whole, length);
    }

    private IpcException Truncated(ref ControlData data)
    {
        if (data.Handles is not null) foreach (var handle in data.Handles) handle.Dispose();
        return new IpcException(IpcErrors.MessageTooLarge,
            $"A message on '{Address}' was cut off, because it has more bytes than net.core.wmem_max lets a socket send.", Address.Text,
            "Send smaller messages. The sender raised its SO_SNDBUF beyond the limit (SO_SNDBUFFORCE).");
    }

    private readonly struct SendAttempt(NativeSocket socket, byte* bytes, int length, IReadOnlyList<SafeHandle>? handles) : IAttempt
    {
        public bool TryOnce() => socket.TrySend(new ReadOnlySpan<byte>(bytes, length), handles) >= 0;
    }
}
