using System.Net;
using System.Net.Sockets;
using IpcPs.Proc;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets.Loopback;

/// <summary>Whose the other side of a loopback connection is. Unlike on a unix socket nobody says so: the kernel's table of sockets is asked for the
/// one at the other end (sock_diag(7), else /proc/net). Where the answer could be about another socket, or is missing, the owner is
/// unknown, and who is unknown is refused.</summary>
internal static class LoopbackPeerOwner
{
    private static readonly Lazy<bool> ClosedSocketsKeepOwner = new(TryClosedSocket);

    /// <summary>The user who made a TCP connection that was just accepted.</summary>
    /// <param name="accepted">The listener's side of it.</param>
    public static uint? OfTcpClient(NativeSocket accepted)
    {
        var client = EndPoint(accepted.PeerName());
        var server = EndPoint(accepted.Name());
        if (client is null || server is null) return null;
        uint? owner = null;
        foreach (var entry in Ask(Libc.IPPROTO_TCP, client, server))
        {
            if (!entry.Is(client, server) || !entry.IsConnected) continue;
            owner = Owner(entry);
            break;
        }
        // As long as our side is connected nobody else can have taken the same pair of ports. So it is looked at after, not before.
        return owner is not null && IsConnected(accepted) ? owner : null;
    }

    /// <summary>The user whose datagram came from that name.</summary>
    /// <returns>Null where no socket is there any more, or where several are and not all of them are allowed.</returns>
    public static uint? OfUdpSender(NativeSocketAddress sender, NativeSocketAddress listener, AllowedUsers allowed)
    {
        var from = EndPoint(sender);
        var to = EndPoint(listener);
        if (from is null || to is null) return null;
        uint? owner = null;
        foreach (var entry in Ask(Libc.IPPROTO_UDP, from, to))
        {
            // Several sockets can share a port (SO_REUSEADDR): any of them may have sent it.
            if (!entry.CouldSend(from, to)) continue;
            owner = Owner(entry);
            if (!allowed.Contains(owner)) return owner;
        }
        return owner;
    }

    private static List<SocketTableEntry> Ask(int protocol, IPEndPoint from, IPEndPoint to)
    {
        var found = SockDiag.Find(protocol, from, to);
        // Nothing found may as well mean that the kernel has this part of sock_diag not loaded.
        return found.Count > 0 ? found : ProcNetTable.Find(protocol, from.Port);
    }

    private static uint? Owner(SocketTableEntry entry)
    {
        if (entry.IsTimeWait) return null;
        // A socket that its process has closed already has no inode, and on older kernels no owner either: 0 then says nothing.
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

    private static IPEndPoint? EndPoint(NativeSocketAddress name) => name.Family is Libc.AF_INET or Libc.AF_INET6 ? new IPEndPoint(name.Address, name.Port) : null;

    // Closes a connection of our own, as somebody else where we may, and looks whether the kernel still knows whose it was.
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
                // Bytes on their way keep the closed socket from becoming a mere time-wait entry at once.
                connection.Send("x"u8);
            }
            return SockDiag.Find(Libc.IPPROTO_TCP, client, (IPEndPoint)listener.LocalEndPoint!).Exists(e => !e.IsTimeWait && e.Inode == 0 && e.UserId == expected);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
