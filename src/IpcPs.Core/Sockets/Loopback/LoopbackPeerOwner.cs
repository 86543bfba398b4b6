using System.Net;
using IpcPs.Proc;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets.Loopback;

/// <summary>Finds the user that owns the peer of a loopback connection. The kernel reports the peer of a Unix socket only, so the peer's
/// socket is looked up in the kernel's socket table (sock_diag(7), or else /proc/net). If it is not there, or the entry could be another
/// socket's, the owner is unknown, and a client whose owner is unknown is refused.</summary>
internal static class LoopbackPeerOwner
{
    private const uint AnotherUser = 65534;

    // If it fails for lack of descriptors, the next client tries it again.
    private static readonly Lazy<bool> ClosedSocketsKeepOwner = new(TryClosedSocket, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The user that made a TCP connection.</summary>
    /// <param name="accepted">The listener's end, just accepted.</param>
    public static uint? OfTcpClient(NativeSocket accepted)
    {
        var client = EndPoint(accepted.PeerName());
        var server = EndPoint(accepted.Name());
        if (client is null || server is null) return null;
        uint? owner = null;
        foreach (var entry in Find(Libc.IPPROTO_TCP, client, server))
        {
            if (!entry.Is(client, server) || !entry.IsConnected) continue;
            owner = Owner(entry);
            break;
        }
        // While this end is connected, no other connection can have the same pair of ports. So this check comes after the lookup.
        return owner is not null && IsConnected(accepted) ? owner : null;
    }

    /// <summary>The user that owns the socket with a sender's address.</summary>
    /// <returns>Null if that socket was closed. If several sockets have the address, the first owner that is not allowed.</returns>
    public static uint? OfUdpSender(NativeSocketAddress sender, NativeSocketAddress listener, AllowedUsers allowed)
    {
        var from = EndPoint(sender);
        var to = EndPoint(listener);
        if (from is null || to is null) return null;
        uint? owner = null;
        foreach (var entry in Find(Libc.IPPROTO_UDP, from, to))
        {
            // Several sockets can share a port (SO_REUSEADDR), and any of them may have sent the datagram.
            if (!entry.CouldSend(from, to)) continue;
            owner = Owner(entry);
            if (!allowed.Contains(owner)) return owner;
        }
        return owner;
    }

    private static List<SocketTableEntry> Find(int protocol, IPEndPoint from, IPEndPoint to)
    {
        var found = SockDiag.Find(protocol, from, to);
        // An empty result can also mean that the kernel has not loaded this part of sock_diag.
        return found.Count > 0 ? found : ProcNetTable.Find(protocol, from.Port);
    }

    private static uint? Owner(SocketTableEntry entry)
    {
        if (entry.IsTimeWait) return null;
        // A socket that its process has closed has no inode, and on older kernels no owner either: there, 0 does not mean root.
        if (entry.Inode == 0 && entry.UserId == 0 && !ClosedSocketsKeepOwner.Value) return null;
        return entry.UserId;
    }

    private static unsafe bool IsConnected(NativeSocket socket)
    {
        // The first byte of struct tcp_info is the state; 1 is ESTABLISHED, 8 CLOSE_WAIT.
        byte state;
        var length = 1u;
        return Libc.getsockopt(socket.Descriptor, Libc.IPPROTO_TCP, Libc.TCP_INFO, &state, &length) == 0 && state is 1 or 8;
    }

    private static IPEndPoint? EndPoint(NativeSocketAddress name) =>
        name.Family is Libc.AF_INET or Libc.AF_INET6 ? new IPEndPoint(name.Address, name.Port) : null;

    // Closes a connection of this process, as another user if that is allowed, and checks whether the kernel still knows its owner.
    private static unsafe bool TryClosedSocket()
    {
        var place = IpcAddress.Parse("tcp:127.0.0.1:0");
        using var listener = NativeSocket.Create(place);
        if (listener.TryBind(NativeSocketAddress.Of(place)) != 0 || Libc.listen(listener.Descriptor, 1) != 0) return false;
        var server = listener.Name();
        var expected = Libc.geteuid();
        IPEndPoint? client;
        using (var connection = NativeSocket.Create(place))
        {
            if (expected == 0 && Libc.fchown(connection.Descriptor, expected = AnotherUser, uint.MaxValue) != 0) return false;
            if (connection.Connect(server, Deadline.After(TimeSpan.FromSeconds(10))) != 0) return false;
            client = EndPoint(connection.Name());
            // An unreceived byte keeps the closed socket from becoming a time-wait entry at once.
            byte unreceived = 0;
            if (Libc.write(connection.Descriptor, &unreceived, 1) != 1) return false;
        }
        return client is not null && EndPoint(server) is { } to
            && SockDiag.Find(Libc.IPPROTO_TCP, client, to).Exists(e => !e.IsTimeWait && e.Inode == 0 && e.UserId == expected);
    }
}
