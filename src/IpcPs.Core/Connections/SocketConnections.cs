using System.Globalization;
using System.Net;
using IpcPs.Inventory;
using IpcPs.Proc;
using IpcPs.Sockets.Loopback;

namespace IpcPs.Connections;

/// <summary>Finds which processes have the two ends of a connected socket.</summary>
internal static class SocketConnections
{
    public static void AddTo(ConnectionScan scan)
    {
        if (scan.IsWanted(IpcScheme.Unix)) AddUnix(scan);
        if (scan.IsWanted(IpcScheme.Tcp)) AddTcp(scan);
        if (scan.IsWanted(IpcScheme.Udp)) AddUdp(scan);
    }

    private static void AddUnix(ConnectionScan scan)
    {
        if (UnixSocketTable.Read() is not { } sockets)
        {
            scan.Inventory.AddProblem("unix peers",
                "connections of Unix sockets are not listed: this kernel does not show them (sock_diag(7), module unix_diag)");
            return;
        }
        var byInode = new Dictionary<uint, UnixSocket>();
        foreach (var socket in sockets)
        {
            // A client that was not accepted has a peer without an inode.
            if (socket.Inode != 0) byInode[socket.Inode] = socket;
        }
        foreach (var socket in sockets)
        {
            if (byInode.TryGetValue(socket.Peer, out var peer)) AddPair(scan, socket, peer);
            foreach (var client in socket.Waiting)
            {
                Connect(scan, client, socket.Inode, KindOf(socket) with
                {
                    State = IpcConnectionState.Waits,
                    Depth = socket.Waiting.Count,
                    DepthUnit = "clients",
                });
            }
        }
    }

    private static void AddPair(ConnectionScan scan, UnixSocket socket, UnixSocket peer)
    {
        var isMutual = peer.Peer == socket.Inode;
        // A pair is in the table twice. The client comes first: the accepted end has the listener's name.
        if (isMutual && IsAfter(socket, peer)) return;
        var kind = peer.Name.Length > 0 || socket.Name.Length == 0 ? KindOf(peer) : KindOf(socket);
        Connect(scan, socket.Inode, peer.Inode, kind with
        {
            Direction = isMutual ? IpcConnectionDirection.Both : IpcConnectionDirection.Forward,
            Depth = (isMutual ? socket.Unread : 0) + peer.Unread,
            DepthUnit = ConnectionScan.Bytes,
        });
    }

    private static bool IsAfter(UnixSocket socket, UnixSocket peer) =>
        (socket.Name.Length > 0) == (peer.Name.Length > 0) ? socket.Inode > peer.Inode : socket.Name.Length > 0;

    private static IpcConnection KindOf(UnixSocket socket)
    {
        var address = socket.Name.Length > 0 ? SocketAddressParser.TryOfKernelName(socket.Name, socket.Type) : null;
        var text = socket.Name.Length > 0 ? socket.Name : string.Create(CultureInfo.InvariantCulture, $"socketpair:[{socket.Inode}]");
        return ConnectionScan.Through("Unix socket", IpcScheme.Unix, address, text) with
        {
            IsOfRuntime = InventoryScan.IsOfRuntime(socket.Name),
            IsUnnamed = socket.Name.Length == 0,
        };
    }

    private static void AddTcp(ConnectionScan scan)
    {
        var entries = Table(scan, "tcp");
        var listening = entries.Where(static e => e.IsListening).Select(static e => e.Local.Port).ToHashSet();
        var byEnds = new Dictionary<(IPEndPoint, IPEndPoint), SocketTableEntry>();
        foreach (var entry in entries.Where(static e => e.Inode != 0 && e.IsConnected)) byEnds[(entry.From, entry.To)] = entry;
        foreach (var ((from, to), client) in byEnds)
        {
            // The server's end has the port of a listener. Without one, the one with the lower port comes second.
            if (!byEnds.TryGetValue((to, from), out var server)) continue;
            var isServer = listening.Contains(to.Port) == listening.Contains(from.Port) ? from.Port > to.Port : listening.Contains(to.Port);
            if (!isServer) continue;
            Connect(scan, client.Inode, server.Inode, KindOf("TCP socket", IpcScheme.Tcp, to) with
            {
                Direction = IpcConnectionDirection.Both,
                Depth = client.Unread + server.Unread,
                DepthUnit = ConnectionScan.Bytes,
            });
        }
    }

    // Only a socket that is connected (connect(2)) has a peer.
    private static void AddUdp(ConnectionScan scan)
    {
        var entries = Table(scan, "udp").Where(static e => e.Inode != 0).ToList();
        foreach (var sender in entries.Where(static e => e.Remote.Port != 0))
        {
            foreach (var receiver in entries.Where(e => e.Inode != sender.Inode && e.Receives(sender)))
            {
                Connect(scan, sender.Inode, receiver.Inode, KindOf("UDP socket", IpcScheme.Udp, sender.To) with
                {
                    Depth = receiver.Unread,
                    DepthUnit = ConnectionScan.Bytes,
                });
            }
        }
    }

    private static IpcConnection KindOf(string kind, IpcScheme scheme, IPEndPoint server)
    {
        var text = $"{AddressParser.Word(scheme)}:{server}";
        return ConnectionScan.Through(kind, scheme, text, text) with { IsUnnamed = false };
    }

    private static List<SocketTableEntry> Table(ConnectionScan scan, string name)
    {
        var found = new List<SocketTableEntry>();
        foreach (var table in new[] { name, name + "6" })
        {
            found.AddRange(ProcNetTable.Internet(table, out var problem));
            scan.Inventory.AddProblem(table, problem);
        }
        return found;
    }

    private static void Connect(ConnectionScan scan, uint from, uint to, IpcConnection kind)
    {
        foreach (var one in scan.Processes.HoldersOfLink(Link(from)))
        {
            foreach (var other in scan.Processes.HoldersOfLink(Link(to))) scan.Add(one.ProcessId, other.ProcessId, kind, isAnother: true);
        }

        static string Link(uint inode) => string.Create(CultureInfo.InvariantCulture, $"socket:[{inode}]");
    }
}
