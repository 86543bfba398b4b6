using System.Net;
using System.Net.Sockets;
using IpcPs.Proc;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets.Loopback;

/// <summary>Finds the user that owns the peer of a loopback connection. The kernel reports the peer of a Unix socket only, so the peer's
/// socket is looked up in the kernel's socket table (sock_diag(7), or else /proc/net). If it is not there, or the entry could be another
/// socket's, the owner is unknown, and a client whose owner is unknown is refused.</summary>
internal static class LoopbackPeerOwner
{
    private static readonly Lazy<bool> ClosedSocketsKeepOwner = new(TryClosedSocket);

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
    private static bool TryClosedSocket()
    {
        try
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(1);
            var expected = Libc.geteuid();
            IPEndPoint client;
            using (var connection = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            {
                if (expected == 0)
                {
                    using var descriptor = new SafeDescriptor((int)connection.Handle, ownsHandle: false);
                    if (Libc.fchown(descriptor, expected = 65534, uint.MaxValue) != 0) return false;
                }
                connection.Connect(listener.LocalEndPoint!);
                client = (IPEndPoint)connection.LocalEndPoint!;
                // Unreceived bytes keep the closed socket from becoming a time-wait entry at once.
                connection.Send("x"u8);
            }
            return SockDiag.Find(Libc.IPPROTO_TCP, client, (IPEndPoint)listener.LocalEndPoint!)
                .Exists(e => !e.IsTimeWait && e.Inode == 0 && e.UserId == expected);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
