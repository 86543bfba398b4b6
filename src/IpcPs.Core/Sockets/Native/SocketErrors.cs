using IpcPs.Files;
using IpcPs.Messaging;

namespace IpcPs.Sockets.Native;

/// <summary>The errors of socket calls that an errno alone does not explain, and the errors for what sockets cannot do.</summary>
internal static class SocketErrors
{
    public static IpcException ClosedByClient(IpcAddress address) =>
        new(IpcErrors.PeerClosed, $"The client of '{address}' has closed its connection.", address.Text);

    public static IpcException BindFailed(IpcAddress address, int errno) => errno switch
    {
        Errno.EADDRINUSE => new IpcException(IpcErrors.AlreadyExists, $"'{address}' has a live server.", address.Text,
            "Choose another address, or connect to it.")
        { Errno = errno, Call = "bind", Advice = IpcAdvice.Connect },
        Errno.EADDRNOTAVAIL => new IpcException(IpcErrors.PlatformNotSupported,
            $"This machine does not have the address of '{address}'.", address.Text)
        { Errno = errno, Call = "bind" },
        _ => IpcException.FromErrno("bind", errno, address.Text),
    };

    public static IpcException ConnectFailed(IpcAddress address, int errno, Deadline deadline) => errno switch
    {
        Errno.ECONNREFUSED => Refused(address),
        Errno.ENOENT => new IpcException(IpcErrors.NotFound, $"There is no socket '{address}'.", address.Text)
        { Errno = errno, Call = "connect", Advice = IpcAdvice.WaitForServer },
        Errno.EPROTOTYPE => new IpcException(IpcErrors.WrongKind, $"The socket at '{address}' is of another type.", address.Text,
            "Add the type to the address: '?type=stream', '?type=seqpacket' or '?type=datagram'.")
        { Errno = errno, Call = "connect" },
        Errno.EAGAIN => new IpcException(IpcErrors.Full,
            $"The backlog of '{address}' is full: its server has not accepted earlier connections.", address.Text)
        { Errno = errno, Call = "connect", Advice = IpcAdvice.WaitForBacklog },
        Errno.ETIMEDOUT =>
            IpcException.TimedOut($"the server of '{address}' to accept the connection", address.Text, deadline, IpcErrors.Full),
        Errno.EADDRNOTAVAIL => new IpcException(IpcErrors.LimitReached,
            $"No local port is free to connect to '{address}', or this machine does not have the address.", address.Text,
            "Check net.ipv4.ip_local_port_range.")
        { Errno = errno, Call = "connect" },
        _ => IpcException.FromErrno("connect", errno, address.Text),
    };

    public static IpcException SendFailed(NativeSocket socket, string call, int errno, int length)
    {
        var address = socket.Address;
        return errno switch
        {
            Errno.EPIPE or Errno.ECONNRESET or Errno.ENOTCONN or Errno.ECONNREFUSED or Errno.ECONNABORTED or Errno.ENOENT =>
                new IpcException(IpcErrors.PeerClosed, $"The peer of '{address}' has closed: nothing can be sent to it.", address.Text)
                { Errno = errno, Call = call },
            Errno.EMSGSIZE => TooLarge(socket, length),
            Errno.ETOOMANYREFS => new IpcException(IpcErrors.LimitReached,
                $"Too many descriptors wait in sockets, those sent through '{address}' among them.", address.Text,
                "Let the receivers receive them, or raise RLIMIT_NOFILE with 'ulimit -n'.")
            { Errno = errno, Call = call },
            _ => IpcException.FromErrno(call, errno, address.Text),
        };
    }

    public static IpcException ReceiveFailed(IpcAddress address, int errno) => errno switch
    {
        Errno.ECONNRESET => new IpcException(IpcErrors.PeerClosed,
            $"The peer of '{address}' reset the connection: what it sent last may be lost.", address.Text)
        { Errno = errno, Call = "recv" },
        Errno.ECONNREFUSED => new IpcException(IpcErrors.PeerClosed,
            $"No process listens at '{address}' now: a message that was sent to it is lost.", address.Text)
        { Errno = errno, Call = "recv" },
        _ => IpcException.FromErrno("recv", errno, address.Text),
    };

    /// <summary>The error for a packet that is longer than its socket can send.</summary>
    public static IpcException TooLarge(NativeSocket socket, long length)
    {
        var address = socket.Address;
        var limits = $"A message of {length} bytes is larger than the {socket.MaxPacket} bytes that ";
        if (!socket.IsUnix)
            return new(IpcErrors.MessageTooLarge, limits + "a UDP datagram can have.", address.Text, "Use 'tcp:' or 'unix:'.");
        return new(IpcErrors.MessageTooLarge,
            limits + $"'{address}' can send: its send buffer (SO_SNDBUF) has {socket.SendBufferSize} bytes.", address.Text,
            "Set a larger SendBufferSize on the socket (up to twice net.core.wmem_max), use '?type=stream', or use shared memory.");
    }

    /// <summary>Throws if the options ask for something that sockets do not have.</summary>
    public static void RejectUnsupported(in SendOptions options, IpcChannel channel)
    {
        if (options.Type == 0 && options.Priority is null) return;
        throw new IpcException(IpcErrors.NotSupported, $"This {channel.Kind} has no message types and priorities.", channel.Address.Text)
        { Advice = IpcAdvice.UseQueue };
    }

    /// <inheritdoc cref="RejectUnsupported(in SendOptions, IpcChannel)"/>
    public static void RejectUnsupported(in ReceiveOptions options, IpcChannel channel)
    {
        if (options.Type is null && !options.ExceptType && !options.Peek) return;
        throw new IpcException(IpcErrors.NotSupported, $"This {channel.Kind} has no message types and no peeking.", channel.Address.Text)
        { Advice = IpcAdvice.UseSysVQueue };
    }

    /// <summary>Throws if the socket cannot carry descriptors.</summary>
    public static void RejectDescriptors(NativeSocket socket)
    {
        if (!socket.IsUnix)
            throw new IpcException(IpcErrors.NotSupported, $"'{socket.Address}' does not carry descriptors: only unix sockets do.",
                socket.Address.Text)
            { Advice = IpcAdvice.UseUnixSocket };
    }

    private static IpcException Refused(IpcAddress address)
    {
        // The kernel returns ECONNREFUSED also for a file that is not a socket.
        if (address.Path is { } path && FileStatus.TryOf(path)?.Type is { } type && type != Libc.S_IFSOCK)
            return new IpcException(IpcErrors.WrongKind, $"'{path}' is not a socket.", address.Text);
        return new IpcException(IpcErrors.NoPeer, $"No process listens at '{address}'.", address.Text)
        { Errno = Errno.ECONNREFUSED, Call = "connect", Advice = IpcAdvice.WaitForServer };
    }
}
