using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets;

/// <summary>Creates sockets that listen or connect, of every kind that an address can name.</summary>
/// <remarks>Unix stream and TCP sockets are byte streams. Unix seqpacket sockets have message boundaries. Unix datagram and UDP sockets
/// send messages without a connection.
/// Calls: socket(2), bind(2), listen(2), connect(2).</remarks>
public static unsafe class IpcSocket
{
    private const int DefaultBacklog = 1024;
    private const uint OwnerOnly = 0x180;       // 0600
    private const uint Everybody = 0x1B6;       // 0666

    // UDP drops datagrams while the buffer is full, so it is large. The kernel silently limits it to net.core.rmem_max.
    private const int UdpReceiveBuffer = 4 * 1024 * 1024;

    /// <summary>Creates two Unix stream sockets that are connected to each other (socketpair(2)), closed on exec. A child gets one where it
    /// is passed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no descriptors are left.</exception>
    public static (StreamSocket Near, StreamSocket Far) CreatePair()
    {
        var ends = stackalloc int[2];
        if (Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0, ends) != 0)
            throw IpcException.FromErrno("socketpair", Marshal.GetLastPInvokeError(), null);
        return (End(ends[0]), End(ends[1]));

        static StreamSocket End(int descriptor) => (StreamSocket)Adopt(new SafeDescriptor(descriptor), null)!;
    }

    /// <summary>Listens at an address. For datagrams the result is a <see cref="DatagramListener"/>, otherwise a
    /// <see cref="SocketListener"/>. Port 0 means any free port. A socket file whose server is dead is taken over.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>: a live server has the address;
    /// <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.NotFound"/> (the folder), <see cref="IpcErrors.InvalidArgument"/> (no
    /// such user).</exception>
    public static IpcChannel Listen(IpcAddress address, SocketListenOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        RequireSocket(address);
        if (options.Backlog < 0) throw IpcException.Argument($"The backlog is {options.Backlog}, but it cannot be negative.", address.Text);
        var backlog = options.Backlog == 0 ? DefaultBacklog : options.Backlog;
        var allowed = new AllowedUsers(options.AllowUsers);
        var socket = NativeSocket.Create(address);
        SocketFile? file = null;
        try
        {
            // Before a client can send: an earlier message would have no sender.
            if (socket.IsUnix && socket.Type != IpcSocketType.Stream) socket.EnableCredentials();
            void Start() => StartListening(socket, backlog);
            if (address.Path is not null)
            {
                var mode = options.Mode ?? (UnixFileMode)(allowed.Others ? Everybody : OwnerOnly);
                file = SocketFile.Bind(socket, mode, Start, wait);
            }
            else
            {
                Bind(socket, NativeSocketAddress.Of(address));
                if (!socket.IsUnix) socket.Address = socket.Name().ToAddress(socket.Type)!;
                Start();
            }
            return Listener(socket, file, allowed, backlog);
        }
        catch
        {
            file?.Remove();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects to a server. The result is a <see cref="StreamSocket"/>, <see cref="SeqPacketSocket"/> or
    /// <see cref="DatagramSocket"/>. It waits while the server's backlog is full.</summary>
    /// <param name="address">The server's address.</param>
    /// <param name="untilThere">Whether to wait until a server listens there.</param>
    /// <param name="wait">How long to wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>; <see cref="IpcErrors.NoPeer"/>: the file exists, or the port, and
    /// no process listens; <see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/>.</exception>
    public static IpcChannel Connect(IpcAddress address, bool untilThere = false, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        RequireSocket(address);
        if (address.EndPoint is { Port: 0 })
            throw new IpcException(IpcErrors.InvalidAddress, $"'{address}' has no port to connect to.", address.Text);
        using var arrival = untilThere ? new ServerArrival(address) : null;
        while (true)
        {
            var channel = TryConnect(address, wait, out var errno);
            if (channel is not null) return channel;
            if (arrival is null || errno is not (Errno.ENOENT or Errno.ECONNREFUSED))
                throw SocketErrors.ConnectFailed(address, errno, wait.Deadline);
            arrival.Wait(errno, wait);
        }
    }

    /// <summary>Makes a channel of a descriptor that is a socket: a listener, a connection or a datagram socket.</summary>
    /// <param name="descriptor">The descriptor. The channel owns it from then on.</param>
    /// <param name="known">The socket's address; null to ask the kernel.</param>
    /// <param name="allowUsers">For listeners: the users that are served besides the current user.</param>
    /// <returns>Null if it is a socket of another family (netlink, packet).</returns>
    internal static IpcChannel? Adopt(SafeDescriptor descriptor, IpcAddress? known, IReadOnlyList<string>? allowUsers = null)
    {
        var place = known ?? IpcAddress.OfDescriptor(IpcScheme.Fd, 0, descriptor.Number);
        var probe = new NativeSocket(descriptor, 0, 0, place);
        var family = probe.GetOption(Libc.SOL_SOCKET, Libc.SO_DOMAIN);
        var type = (IpcSocketType)probe.GetOption(Libc.SOL_SOCKET, Libc.SO_TYPE);
        if (family is not (Libc.AF_UNIX or Libc.AF_INET or Libc.AF_INET6)) return null;
        if (type is not (IpcSocketType.Stream or IpcSocketType.SeqPacket or IpcSocketType.Datagram)) return null;
        var socket = new NativeSocket(descriptor, family, type, place);
        var listens = type != IpcSocketType.Datagram && socket.GetOption(Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN) != 0;
        var peer = socket.PeerName();
        var name = listens || peer.Length == 0 ? socket.Name() : peer;
        if (known is null && name.ToAddress(type) is { } found) socket.Address = found;
        if (listens) return new SocketListener(socket, null, new AllowedUsers(allowUsers), 0);
        switch (type)
        {
            case IpcSocketType.SeqPacket:
                return new SeqPacketSocket(socket, socket.Peer());
            case IpcSocketType.Stream:
                return new StreamSocket(socket, socket.Peer());
        }
        if (socket.IsUnix) socket.EnableCredentials();
        // A connected socket has one peer; without one it receives from all. The peer of one end of a socketpair(2) has no name.
        if (peer.Length > 0) return new DatagramSocket(socket, peer);
        return new DatagramListener(socket, null, new AllowedUsers(allowUsers));
    }

    private static IpcChannel Listener(NativeSocket socket, SocketFile? file, AllowedUsers allowed, int backlog) =>
        socket.Type == IpcSocketType.Datagram
            ? new DatagramListener(socket, file, allowed)
            : new SocketListener(socket, file, allowed, backlog);

    private static void Bind(NativeSocket socket, NativeSocketAddress name)
    {
        // Without it the kernel reserves the port of a server that has just ended, for its old connections. A live server's port is refused
        // anyway.
        if (!socket.IsUnix && socket.Type == IpcSocketType.Stream) socket.SetOption(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        var errno = socket.TryBind(name);
        if (errno != 0) throw SocketErrors.BindFailed(socket.Address, errno);
    }

    private static void StartListening(NativeSocket socket, int backlog)
    {
        if (socket.Type == IpcSocketType.Datagram)
        {
            if (!socket.IsUnix) socket.SetOption(Libc.SOL_SOCKET, Libc.SO_RCVBUF, UdpReceiveBuffer);
            return;
        }
        if (Libc.listen(socket.Descriptor, backlog) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        throw errno == Errno.EADDRINUSE
            ? SocketErrors.BindFailed(socket.Address, errno)
            : IpcException.FromErrno("listen", errno, socket.Address.Text);
    }

    private static IpcChannel? TryConnect(IpcAddress address, in WaitOptions wait, out int errno)
    {
        var socket = NativeSocket.Create(address);
        var connected = false;
        try
        {
            if (socket.Type == IpcSocketType.Datagram && socket.IsUnix)
            {
                // Without a name the server could not reply.
                socket.EnableCredentials();
                if (socket.TryBind(NativeSocketAddress.Autobind()) is var failed and not 0)
                    throw IpcException.FromErrno("bind", failed, address.Text);
            }
            var name = NativeSocketAddress.Of(address);
            errno = socket.Connect(name, wait);
            // If the kernel gives the client the port that it connects to, the client is connected to itself, and no process listens there.
            var isTcp = !socket.IsUnix && socket.Type == IpcSocketType.Stream;
            if (errno == 0 && isTcp && socket.Name().Equals(socket.PeerName())) errno = Errno.ECONNREFUSED;
            if (errno != 0) return null;
            connected = true;
            switch (socket.Type)
            {
                case IpcSocketType.Datagram:
                    return new DatagramSocket(socket, name);
                case IpcSocketType.SeqPacket:
                    return new SeqPacketSocket(socket, socket.Peer());
            }
            if (isTcp) socket.SendSmallMessagesAtOnce();
            return new StreamSocket(socket, socket.Peer());
        }
        finally
        {
            if (!connected) socket.Dispose();
        }
    }

    private static void RequireSocket(IpcAddress address)
    {
        if (address.Scheme is not (IpcScheme.Unix or IpcScheme.Tcp or IpcScheme.Udp))
            throw new IpcException(IpcErrors.InvalidAddress, $"'{address}' is not the address of a socket.", address.Text,
                "A socket's address begins with 'unix:', 'tcp:' or 'udp:'.");
    }
}
