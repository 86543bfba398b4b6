using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets;

/// <summary>Makes sockets: those that listen and those that connect, of every kind that an address can name.</summary>
/// <remarks>unix stream and tcp are byte streams; unix seqpacket keeps messages whole; unix datagram and udp send messages without a connection.
/// Calls: socket(2), bind(2), listen(2), connect(2).</remarks>
public static unsafe class IpcSocket
{
    private const int DefaultBacklog = 1024;
    private const uint OwnerOnly = 0x180;       // 0600
    private const uint Everybody = 0x1B6;       // 0666

    // What UDP has no room for is lost: as much room as this user may have, quietly less where net.core.rmem_max is.
    private const int UdpReceiveBuffer = 4 * 1024 * 1024;

    /// <summary>Listens at an address: a <see cref="SocketListener"/>, or for datagrams a <see cref="DatagramListener"/>. Port 0 picks one that is free. A
    /// socket file whose server is dead is taken over.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>: a live server has the address;
    /// <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.NotFound"/> (the folder), <see cref="IpcErrors.InvalidArgument"/> (no such user).</exception>
    public static IpcChannel Listen(IpcAddress address, SocketListenOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        RequireSocket(address);
        if (options.Backlog < 0) throw IpcException.Argument($"A backlog cannot be negative, and this one is {options.Backlog}.", address.Text);
        var backlog = options.Backlog == 0 ? DefaultBacklog : options.Backlog;
        var allowed = new AllowedUsers(options.AllowUsers);
        var socket = NativeSocket.Create(address);
        SocketFile? file = null;
        try
        {
            // Asked before anybody can send: a message that came earlier would have no sender.
            if (socket.IsUnix && socket.Type != IpcSocketType.Stream) socket.AskForSenders();
            void Ready() => StartListening(socket, backlog);
            if (address.Path is not null)
            {
                var mode = options.Mode ?? (UnixFileMode)(allowed.Others ? Everybody : OwnerOnly);
                file = SocketFile.Bind(socket, mode, Ready, wait);
            }
            else
            {
                Bind(socket, NativeSocketAddress.Of(address));
                if (!socket.IsUnix) socket.Address = socket.Name().ToAddress(socket.Type)!;
                Ready();
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

    /// <summary>Connects to a server: a <see cref="StreamSocket"/>, <see cref="SeqPacketSocket"/> or <see cref="DatagramSocket"/>. Where its backlog is full it
    /// waits as long as the deadline allows.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="untilThere">Waits for a server too, where there is none yet.</param>
    /// <param name="wait">Until when to wait, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.NoPeer"/>: the file or port is there and nobody
    /// listens; <see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.WrongKind"/>.</exception>
    public static IpcChannel Connect(IpcAddress address, bool untilThere = false, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        RequireSocket(address);
        if (address.EndPoint is { Port: 0 }) throw new IpcException(IpcErrors.InvalidAddress, $"'{address}' has no port to connect to.", address.Text);
        using var arrival = untilThere ? new ServerArrival(address) : null;
        while (true)
        {
            var channel = TryConnect(address, wait, out var errno);
            if (channel is not null) return channel;
            if (arrival is null || errno is not (Errno.ENOENT or Errno.ECONNREFUSED)) throw SocketErrors.Connecting(address, errno, wait.Deadline);
            arrival.Wait(errno, wait);
        }
    }

    /// <summary>Makes a channel of a descriptor that is a socket: a listener, a connection, a datagram socket.</summary>
    /// <param name="descriptor">The descriptor; the channel owns it from then on.</param>
    /// <param name="known">The address that it was found by; null to find out.</param>
    /// <param name="allowUsers">Listeners: who is served besides the own user.</param>
    /// <returns>Null where it is a socket of another family (netlink, packet).</returns>
    internal static IpcChannel? Adopt(SafeDescriptor descriptor, IpcAddress? known, IReadOnlyList<string>? allowUsers = null)
    {
        var place = known ?? IpcAddress.OfDescriptor(IpcScheme.Fd, 0, descriptor.Number);
        var probe = new NativeSocket(descriptor, 0, 0, place);
        var family = probe.GetOption(Libc.SOL_SOCKET, Libc.SO_DOMAIN);
        var type = (IpcSocketType)probe.GetOption(Libc.SOL_SOCKET, Libc.SO_TYPE);
        if (family is not (Libc.AF_UNIX or Libc.AF_INET or Libc.AF_INET6) || type is not (IpcSocketType.Stream or IpcSocketType.SeqPacket or IpcSocketType.Datagram)) return null;
        var socket = new NativeSocket(descriptor, family, type, place);
        var listens = type != IpcSocketType.Datagram && socket.GetOption(Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN) != 0;
        var peer = socket.PeerName();
        if (known is null && ((listens || peer.Length == 0 ? socket.Name() : peer).ToAddress(type) is { } found)) socket.Address = found;
        if (listens) return new SocketListener(socket, null, new AllowedUsers(allowUsers), 0);
        switch (type)
        {
            case IpcSocketType.SeqPacket:
                return new SeqPacketSocket(socket, PeerIdentity.Of(socket.PeerCredentials()));
            case IpcSocketType.Stream:
                return new StreamSocket(socket, PeerIdentity.Of(socket.PeerCredentials()));
        }
        if (socket.IsUnix) socket.AskForSenders();
        // Connected it talks to one, unconnected it hears everybody. One end of a socketpair(2) has a peer without a name.
        return peer.Length > 0 ? new DatagramSocket(socket, peer) : new DatagramListener(socket, null, new AllowedUsers(allowUsers));
    }

    private static IpcChannel Listener(NativeSocket socket, SocketFile? file, AllowedUsers allowed, int backlog) =>
        socket.Type == IpcSocketType.Datagram ? new DatagramListener(socket, file, allowed) : new SocketListener(socket, file, allowed, backlog);

    private static void Bind(NativeSocket socket, NativeSocketAddress name)
    {
        // The port of a server that has just ended is kept back for its old connections' sake; a live server's is refused all the same.
        if (socket.Family != Libc.AF_UNIX && socket.Type == IpcSocketType.Stream) socket.SetOption(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        var errno = socket.TryBind(name);
        if (errno != 0) throw SocketFile.BindFailed(socket.Address, errno);
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
        throw errno == Errno.EADDRINUSE ? SocketFile.BindFailed(socket.Address, errno) : IpcException.FromErrno("listen", errno, socket.Address.Text);
    }

    private static IpcChannel? TryConnect(IpcAddress address, in WaitOptions wait, out int errno)
    {
        var socket = NativeSocket.Create(address);
        var connected = false;
        try
        {
            if (socket.Type == IpcSocketType.Datagram && socket.IsUnix)
            {
                // A name of its own, or the server could not answer.
                socket.AskForSenders();
                if (socket.TryBind(NativeSocketAddress.Autobind()) is var failed and not 0) throw IpcException.FromErrno("bind", failed, address.Text);
            }
            var name = NativeSocketAddress.Of(address);
            errno = socket.Connect(name, wait);
            // A client that the kernel gives the very port that it connects to is connected to itself, where nobody listens.
            if (errno == 0 && socket.Family != Libc.AF_UNIX && socket.Type == IpcSocketType.Stream && socket.Name().Equals(socket.PeerName())) errno = Errno.ECONNREFUSED;
            if (errno != 0) return null;
            connected = true;
            switch (socket.Type)
            {
                case IpcSocketType.Datagram:
                    return new DatagramSocket(socket, name);
                case IpcSocketType.SeqPacket:
                    return new SeqPacketSocket(socket, PeerIdentity.Of(socket.PeerCredentials()));
            }
            if (!socket.IsUnix) socket.SetOption(Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
            return new StreamSocket(socket, PeerIdentity.Of(socket.PeerCredentials()));
        }
        finally
        {
            if (!connected) socket.Dispose();
        }
    }

    private static void RequireSocket(IpcAddress address)
    {
        if (address.Scheme is not (IpcScheme.Unix or IpcScheme.Tcp or IpcScheme.Udp))
            throw new IpcException(IpcErrors.InvalidAddress, $"'{address}' is not the address of a socket.", address.Text, "A socket's address begins with 'unix:', 'tcp:' or 'udp:'.");
    }
}
