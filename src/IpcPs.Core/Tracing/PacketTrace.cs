using System.Net;
using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Sockets;

namespace IpcPs.Tracing;

/// <summary>What passes on the loopback interface to and from a TCP or UDP address (packet(7)). TCP has no messages: each record is the
/// payload of one segment, in order, and each byte once.</summary>
/// <remarks>Calls: socket(2) with AF_PACKET, bind(2), recv(2), ppoll(2).</remarks>
internal sealed unsafe class PacketTrace : IpcTrace
{
    // Packets of the loopback interface are whole segments of up to 64 KiB, and more with headers.
    private const int BufferSize = 128 * 1024;
    private const int KernelBuffer = 4 * 1024 * 1024;

    // struct sockaddr_ll
    private const int LinkAddressSize = 20;

    private readonly IPEndPoint _server;
    private readonly IPEndPoint? _client;
    private readonly byte _protocol;
    private readonly SafeDescriptor _socket;
    private readonly byte[] _buffer = new byte[BufferSize];
    private readonly TcpOrder _order = new();
    private AdaptiveWait _wait = AdaptiveWait.InConversations;

    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>: this process lacks CAP_NET_RAW.</exception>
    public PacketTrace(IpcAddress address, IpcObject? opened, IpcFormat format) : base(address, format)
    {
        _server = address.EndPoint!;
        _protocol = (byte)(address.Scheme == IpcScheme.Tcp ? Libc.IPPROTO_TCP : IpPacket.Udp);
        // Of a connection only what is its own; of an address and a listener, all clients.
        _client = opened is StreamSocket { PeerAddress.EndPoint: { } peer } stream
            ? (peer.Equals(_server) ? stream.LocalAddress!.EndPoint : peer) : null;
        _socket = Capture(address, _protocol);
    }

    public override IpcTraceRecord? Read(in WaitOptions wait)
    {
        while (true)
        {
            var attempt = new ReceiveAttempt(_socket, _buffer);
            if (!Waiter.Until(ref attempt, _socket, ref _wait, wait)) throw TimedOut(wait.Deadline);
            if (attempt.Errno != 0) throw IpcException.FromErrno("recv", attempt.Errno, Address.Text);
            if (IpPacket.TryParse(_buffer.AsSpan(0, attempt.Received), _protocol) is { } packet && Describe(packet) is { } record)
                return record;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _socket.IsClosed) return;
        Lost += CountDropped();
        _socket.Dispose();
    }

    private IpcTraceRecord? Describe(in IpPacket packet)
    {
        var isToServer = packet.To.Equals(_server);
        if (!isToServer && !packet.From.Equals(_server)) return null;
        var client = isToServer ? packet.From : packet.To;
        if (_client is not null && !client.Equals(_client)) return null;
        ReadOnlySpan<byte> payload = _buffer.AsSpan(packet.PayloadStart, packet.PayloadLength);
        if (_protocol == Libc.IPPROTO_TCP)
        {
            payload = payload[_order.SkipKnown(packet, isToServer, client)..];
            if (payload.IsEmpty) return null;
        }
        return Packet(payload, isToServer ? "->" : "<-", null, client.ToString());
    }

    private long CountDropped()
    {
        // struct tpacket_stats: packets, and drops.
        var counts = stackalloc uint[2];
        var length = 8u;
        return Libc.getsockopt(_socket, Libc.SOL_PACKET, Libc.PACKET_STATISTICS, counts, &length) == 0 ? counts[1] : 0;
    }

    private static SafeDescriptor Capture(IpcAddress address, byte protocol)
    {
        // SOCK_DGRAM: without the header of the link.
        var fd = Libc.socket(Libc.AF_PACKET, (int)IpcSocketType.Datagram | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            throw errno is not (Errno.EPERM or Errno.EACCES) ? IpcException.FromErrno("socket(AF_PACKET)", errno, address.Text)
                : new IpcException(IpcErrors.AccessDenied,
                    $"'{address}' can't be traced: a capture on the loopback interface needs the capability CAP_NET_RAW.", address.Text,
                    "Run it as root, or trace a relay.")
                { Errno = errno, Call = "socket(AF_PACKET)", Advice = IpcAdvice.UseRelay };
        }
        var socket = new SafeDescriptor(fd);
        try
        {
            // On lo every packet is seen twice: as it leaves, and as it arrives.
            Set(socket, Libc.SOL_PACKET, Libc.PACKET_IGNORE_OUTGOING, 1, address);
            // The kernel gives as much as it allows.
            Set(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUF, KernelBuffer, address);
            PacketFilter.Attach(socket, protocol, (ushort)address.EndPoint!.Port, address);
            var link = stackalloc byte[LinkAddressSize];
            new Span<byte>(link, LinkAddressSize).Clear();
            *(ushort*)link = Libc.AF_PACKET;
            *(ushort*)(link + 2) = Libc.AllProtocols;
            *(int*)(link + 4) = LoopbackIndex();
            if (Libc.bind(socket, link, LinkAddressSize) != 0)
                throw IpcException.FromErrno("bind", Marshal.GetLastPInvokeError(), address.Text);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Set(SafeDescriptor socket, int level, int option, int value, IpcAddress address)
    {
        if (Libc.setsockopt(socket, level, option, &value, 4) != 0)
            throw IpcException.FromErrno("setsockopt", Marshal.GetLastPInvokeError(), address.Text);
    }

    // The loopback interface is the first of each network namespace.
    private static int LoopbackIndex() =>
        int.TryParse(Proc.ProcFile.ReadText("/sys/class/net/lo/ifindex"), out var index) ? index : 1;

    private struct ReceiveAttempt(SafeDescriptor socket, byte[] buffer) : IAttempt
    {
        public int Received { get; private set; }

        public int Errno { get; private set; }

        public bool TryOnce()
        {
            fixed (byte* into = buffer)
            {
                Received = (int)Libc.recv(socket, into, (nuint)buffer.Length, Libc.MSG_DONTWAIT);
            }
            Errno = Received >= 0 ? 0 : Marshal.GetLastPInvokeError();
            return Errno is not (Linux.Errno.EAGAIN or Linux.Errno.EINTR);
        }
    }
}
