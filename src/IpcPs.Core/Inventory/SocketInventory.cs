using IpcPs.Files;
using IpcPs.Proc;
using IpcPs.Sockets.Server;

namespace IpcPs.Inventory;

/// <summary>Lists sockets: Unix sockets by name, TCP and UDP sockets on loopback addresses.</summary>
internal static class SocketInventory
{
    private const string LivesWithProcess = "exists only as long as a process has it open";
    private static readonly string[] InternetTables = ["tcp", "tcp6", "udp", "udp6"];

    public static IEnumerable<IpcObjectInfo> List(InventoryScan scan)
    {
        if (scan.Wants(IpcScheme.Unix))
        {
            foreach (var info in UnixSockets(scan)) yield return info;
        }
        if (scan.Wants(IpcScheme.Tcp))
        {
            foreach (var info in Internet(scan, "tcp", IpcScheme.Tcp)) yield return info;
        }
        if (scan.Wants(IpcScheme.Udp))
        {
            foreach (var info in Internet(scan, "udp", IpcScheme.Udp)) yield return info;
        }
    }

    private static IEnumerable<IpcObjectInfo> UnixSockets(InventoryScan scan)
    {
        var bound = new HashSet<string>(StringComparer.Ordinal);
        var sockets = ProcNetTable.Unix(out var problem);
        scan.AddProblem("unix", problem);
        foreach (var socket in sockets)
        {
            if (socket.Name.StartsWith('/')) bound.Add(socket.Name);
            // An accepted connection has its listener's name: the object is the listener, or a datagram socket.
            if (!scan.All && (!IsServer(socket) || InventoryScan.IsOfRuntime(socket.Name))) continue;
            if (SocketAddressParser.TryOfKernelName(socket.Name, socket.Type) is { } address && scan.Wants(address)
                && scan.IsHeldByWanted(socket.Link)) yield return OfUnix(scan, address, socket);
        }
        if (!scan.WantsUnheld) yield break;
        foreach (var name in scan.NamesInRuntimeFolder(Libc.S_IFSOCK))
        {
            var path = Path.Combine(RuntimeFolder.Path, name);
            if (bound.Contains(path) || SocketAddressParser.TryOfKernelName(path, IpcSocketType.Stream) is not { } address) continue;
            if (!scan.Wants(address) || FileStatus.TryOf(path) is not { } status) continue;
            // The table shows this network namespace only; connecting works across them.
            var (stale, reason) = SocketFile.IsAlive(address) switch
            {
                true => (false, "bound by a socket of another network namespace"),
                false => (true, "a connection to it is refused: no socket is bound to it"),
                null => (false, "not proven: this user may not connect to it"),
            };
            yield return OfFile(address, stale ? "Unix socket, left behind" : "Unix socket", path, status, [], stale, reason);
        }
    }

    /// <summary>The addresses that a client can connect or send to: listeners, and datagram sockets with a name.</summary>
    /// <param name="schemes">Which kinds of socket.</param>
    public static IEnumerable<IpcAddress> Servers(IReadOnlyCollection<IpcScheme> schemes)
    {
        var sockets = schemes.Contains(IpcScheme.Unix) ? ProcNetTable.Unix(out _) : [];
        var unix = sockets.Where(static s => IsServer(s) && !InventoryScan.IsOfRuntime(s.Name))
            .Select(static s => SocketAddressParser.TryOfKernelName(s.Name, s.Type)).OfType<IpcAddress>();
        var tables = InternetTables.Where(t =>
            schemes.Contains(t.StartsWith("tcp", StringComparison.Ordinal) ? IpcScheme.Tcp : IpcScheme.Udp));
        var internet = tables.SelectMany(static table => ProcNetTable.Internet(table, out _)
            .Where(static e => e.IsLoopback && e.Remote.Port == 0).Select(e => IpcAddress.Parse($"{table[..3]}:{e.Local}")));
        return unix.Concat(internet).DistinctBy(static a => a.Text);
    }

    private static bool IsServer(UnixSocketEntry socket) => socket.IsListening || socket.Type == IpcSocketType.Datagram;

    private static IEnumerable<IpcObjectInfo> Internet(InventoryScan scan, string table, IpcScheme scheme)
    {
        foreach (var version in new[] { table, table + "6" })
        {
            var entries = ProcNetTable.Internet(version, out var problem);
            scan.AddProblem(version, problem);
            foreach (var entry in entries)
            {
                if (!entry.IsLoopback || (scheme == IpcScheme.Tcp && !entry.IsListening && !scan.All)) continue;
                var address = IpcAddress.Parse($"{table}:{entry.Local}");
                var link = $"socket:[{entry.Inode}]";
                if (!scan.Wants(address) || !scan.IsHeldByWanted(link)) continue;
                var state = entry.IsListening ? ", listening" : entry.Remote.Port == 0 ? "" : $" to {entry.Remote}";
                yield return new IpcObjectInfo
                {
                    Address = address,
                    Kind = (scheme == IpcScheme.Tcp ? "TCP socket" : "UDP socket") + state,
                    Owner = Accounts.UserName(entry.UserId),
                    OwnerId = entry.UserId,
                    Holders = scan.Processes.HoldersOfLink(link),
                    Remote = entry.Remote.Port == 0 ? null : entry.Remote,
                    Reason = LivesWithProcess,
                };
            }
        }
    }

    private static IpcObjectInfo OfUnix(InventoryScan scan, IpcAddress address, UnixSocketEntry socket)
    {
        var kind = socket.IsListening ? "Unix socket, listening" : "Unix socket";
        var holders = scan.Processes.HoldersOfLink(socket.Link);
        if (!socket.Name.StartsWith('@') && FileStatus.TryOf(socket.Name, followLinks: true) is { } status)
            return OfFile(address, kind, socket.Name, status, holders, stale: false, "bound by a living socket");
        return new IpcObjectInfo { Address = address, Kind = kind, Holders = holders, Reason = LivesWithProcess };
    }

    private static IpcObjectInfo OfFile(IpcAddress address, string kind, string path, in FileStatus status,
        IReadOnlyList<IpcHolder> holders, bool stale, string reason) => new()
        {
            Address = address,
            Kind = kind,
            Owner = status.Owner,
            OwnerId = status.UserId,
            Group = status.Group,
            Mode = status.Mode,
            Created = status.Changed,
            Holders = holders,
            Identity = status.Id,
            File = path,
            IsStale = stale,
            Reason = reason,
        };
}
