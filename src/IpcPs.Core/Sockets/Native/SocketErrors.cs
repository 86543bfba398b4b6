using IpcPs.Files;

namespace IpcPs.Sockets.Native;

/// <summary>Errors of sockets that need more words than their errno has.</summary>
internal static class SocketErrors
{
    /// <summary>A packet that is longer than its socket sends.</summary>
    public static IpcException TooLarge(NativeSocket socket, long length) => socket.IsUnix
        ? new IpcException(IpcErrors.MessageTooLarge, $"A message of {length} bytes is larger than the {socket.MaxPacket} that '{socket.Address}' takes: its send buffer (SO_SNDBUF) has {socket.SendBufferSize}.", socket.Address.Text,
            "Set a larger SendBufferSize on the socket (up to twice net.core.wmem_max), use '?type=stream', or hand the data over in shared memory.")
        : new IpcException(IpcErrors.MessageTooLarge, $"A message of {length} bytes is larger than the {socket.MaxPacket} that a UDP datagram carries.", socket.Address.Text,
            "Use 'tcp:' or 'unix:'.");

    /// <summary>What a failed connect means.</summary>
    public static IpcException Connecting(IpcAddress address, int errno, Deadline deadline) => errno switch
    {
        Errno.ECONNREFUSED => Refused(address),
        Errno.ENOENT => new IpcException(IpcErrors.NotFound, $"There is no socket '{address}'.", address.Text) { Errno = errno, Call = "connect", Advice = IpcAdvice.WaitForServer },
        Errno.EPROTOTYPE => new IpcException(IpcErrors.WrongKind, $"The socket at '{address}' is of another type.", address.Text, "Give the type in the address: '?type=stream', '?type=seqpacket' or '?type=datagram'.") { Errno = errno, Call = "connect" },
        Errno.EAGAIN => new IpcException(IpcErrors.Full, $"The server of '{address}' has not accepted the connections that wait already (its backlog is full).", address.Text) { Errno = errno, Call = "connect", Advice = IpcAdvice.WaitForBacklog },
        Errno.ETIMEDOUT => IpcException.TimedOut($"the server of '{address}' to accept the connection", address.Text, deadline, IpcErrors.Full),
        Errno.EADDRNOTAVAIL => new IpcException(IpcErrors.LimitReached, $"No local port is free to connect to '{address}', or this machine lacks the address.", address.Text, "See net.ipv4.ip_local_port_range.") { Errno = errno, Call = "connect" },
        _ => IpcException.FromErrno("connect", errno, address.Text),
    };

    private static IpcException Refused(IpcAddress address)
    {
        // The kernel refuses a file that is no socket with the same word.
        if (address.Path is { } path && FileType.Of(path) is { } type && type != Libc.S_IFSOCK)
            return new IpcException(IpcErrors.WrongKind, $"'{path}' is not a socket.", address.Text);
        return new IpcException(IpcErrors.NoPeer, $"Nobody listens at '{address}'.", address.Text) { Errno = Errno.ECONNREFUSED, Call = "connect", Advice = IpcAdvice.WaitForServer };
    }
}
