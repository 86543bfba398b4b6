using System.Globalization;
using System.Net;
using IpcPs.Files;
using IpcPs.Proc;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Inventory;

/// <summary>Lists sockets: Unix ones by name (/proc/net/unix), TCP and UDP ones on loopback (/proc/net/tcp and its like).</summary>
internal static class SocketInventory
{
    private const int Listening = 0x10000;

    public static IEnumerable<IpcObjectInfo> List(InventoryScan scan)
    {
        var bound = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in Lines("/proc/net/unix", scan))
        {
            // Num RefCount Protocol Flags Type St Inode [Path]
            var fields = line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries);
            // What is bound by a relative path can't be found by it.
            if (fields.Length < 8 || fields[7][0] is not ('/' or '@')) continue;
            var type = (IpcSocketType)int.Parse(fields[4], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var listens = (int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Listening) != 0;
            // Accepted connections carry their listener's name: the listener, or a datagram socket, is the object.
            if (fields[7].StartsWith('/')) bound.Add(fields[7]);
            if (!listens && type != IpcSocketType.Datagram && !scan.All) continue;
            if (AddressOf(fields[7], type) is { } address) yield return OfName(scan, address, fields[7], listens ? "Unix socket, listening" : "Unix socket", "socket:[" + fields[6] + "]");
        }
        foreach (var name in PathWatch.FilesIn(RuntimeFolder.Path, Libc.S_IFSOCK))
        {
            var path = Path.Combine(RuntimeFolder.Path, name);
            if (bound.Contains(path) || !IpcAddress.TryParse("unix:" + name, out var address) || FileId.OfPath(path, out var stat) is null) continue;
            // The table shows this network namespace; a connection tells of all.
            var (stale, reason) = SocketFile.IsAlive(address!, NativeSocketAddress.Of(address!)) switch
            {
                true => (false, "bound by a socket of another network namespace"),
                false => (true, "a connection to it is refused: no socket is bound to it"),
                null => (false, "not proven: this user may not connect to it"),
            };
            yield return Describe(address!, stale ? "Unix socket, left behind" : "Unix socket", path, stat, [], stale, reason);
        }
        foreach (var info in Internet(scan, "tcp", IpcScheme.Tcp)) yield return info;
        foreach (var info in Internet(scan, "udp", IpcScheme.Udp)) yield return info;
    }

    /// <summary>The addresses that one can connect to, or send to: what listens, and what receives datagrams under a name.</summary>
    public static IEnumerable<IpcAddress> Servers()
    {
        var scan = new InventoryScan();
        var found = new List<IpcAddress>();
        foreach (var line in Lines("/proc/net/unix", scan))
        {
            var fields = line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 8 || fields[7][0] is not ('/' or '@')) continue;
            var type = (IpcSocketType)int.Parse(fields[4], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var listens = (int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Listening) != 0;
            if ((listens || type == IpcSocketType.Datagram) && AddressOf(fields[7], type) is { } address) found.Add(address);
        }
        foreach (var table in (ReadOnlySpan<string>)["tcp", "tcp6", "udp", "udp6"])
        {
            if (!File.Exists("/proc/net/" + table)) continue;
            foreach (var line in Lines("/proc/net/" + table, scan))
            {
                if (ProcNetTable.Parse(line) is { Inode: not 0 } entry && IPAddress.IsLoopback(entry.Local.Address) && !entry.Local.Address.IsIPv4MappedToIPv6 && entry.Remote.Port == 0)
                    found.Add(IpcAddress.Parse($"{table[..3]}:{entry.Local}"));
            }
        }
        return found.DistinctBy(static a => a.Text);
    }

    private static IEnumerable<IpcObjectInfo> Internet(InventoryScan scan, string table, IpcScheme scheme)
    {
        foreach (var path in new[] { "/proc/net/" + table, "/proc/net/" + table + "6" })
        {
            if (!File.Exists(path)) continue;
            foreach (var line in Lines(path, scan))
            {
                if (ProcNetTable.Parse(line) is not { } entry || entry.Inode == 0 || !IPAddress.IsLoopback(entry.Local.Address) || entry.Local.Address.IsIPv4MappedToIPv6) continue;
                var listens = entry.State == 10;
                if (scheme == IpcScheme.Tcp && !listens && !scan.All) continue;
                var holders = scan.Processes.HoldersOfLink($"socket:[{entry.Inode}]");
                yield return new IpcObjectInfo
                {
                    Address = IpcAddress.Parse($"{table}:{entry.Local}"),
                    Kind = (scheme == IpcScheme.Tcp ? "TCP socket" : "UDP socket") + (listens ? ", listening" : entry.Remote.Port == 0 ? "" : $" to {entry.Remote}"),
                    Owner = Accounts.UserName(entry.UserId),
                    OwnerId = entry.UserId,
                    Holders = holders,
                    Reason = "exists only as long as a process has it open",
                };
            }
        }
    }

    private static IpcAddress? AddressOf(string name, IpcSocketType type)
    {
        var suffix = type switch { IpcSocketType.SeqPacket => "?type=seqpacket", IpcSocketType.Datagram => "?type=datagram", _ => "" };
        var inFolder = RuntimeFolder.Path + "/";
        var text = name.StartsWith(inFolder, StringComparison.Ordinal) ? name[inFolder.Length..] : name;
        return IpcAddress.TryParse("unix:" + text + suffix, out var address) ? address : null;
    }

    private static IpcObjectInfo OfName(InventoryScan scan, IpcAddress address, string name, string kind, string link)
    {
        var holders = scan.Processes.HoldersOfLink(link);
        if (!name.StartsWith('@') && FileId.OfPath(name, out var stat) is not null) return Describe(address, kind, name, stat, holders, stale: false, "bound by a living socket");
        return new IpcObjectInfo { Address = address, Kind = kind, Holders = holders, Reason = "exists only as long as a process has it open" };
    }

    private static IpcObjectInfo Describe(IpcAddress address, string kind, string path, in Libc.Statx stat, IReadOnlyList<IpcHolder> holders, bool stale, string reason) => new()
    {
        Address = address,
        Kind = kind,
        Owner = Accounts.UserName(stat.UserId),
        OwnerId = stat.UserId,
        Group = Accounts.GroupName(stat.GroupId),
        Mode = (UnixFileMode)(stat.Mode & 0x1FF),
        Created = stat.ChangeTime.ToLocalTime(),
        Holders = holders,
        Identity = FileId.Of(stat),
        File = path,
        IsStale = stale,
        Reason = reason,
    };

    private static IEnumerable<string> Lines(string path, InventoryScan scan)
    {
        try
        {
            return File.ReadAllLines(path).Skip(1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            scan.Missed(path, $"sockets are not listed: {path} can't be read ({e.Message})");
            return [];
        }
    }
}
