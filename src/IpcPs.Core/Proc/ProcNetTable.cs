using System.Buffers;
using System.Globalization;
using System.Net;

namespace IpcPs.Proc;

/// <summary>The kernel's tables of sockets as text: /proc/net/unix, /proc/net/tcp and similar (proc_pid_net(5)).</summary>
internal static class ProcNetTable
{
    private const byte TimeWait = 6;
    private const int ListeningFlag = 0x10000;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789ABCDEFabcdef");

    /// <summary>The named Unix sockets of this network namespace.</summary>
    /// <param name="problem">Why the table can't be read, or null.</param>
    public static IEnumerable<UnixSocketEntry> Unix(out string? problem) =>
        Lines("unix", out problem).Select(ParseUnix).OfType<UnixSocketEntry>();

    /// <summary>Whether a Unix socket exists, with a name or without, by the link of its descriptors: <c>socket:[123]</c>.</summary>
    public static bool HasUnix(string link) => Lines("unix", out _)
        .Any(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, _, _, _, var inode, ..] && link == Link(inode));

    /// <summary>The TCP or UDP sockets of this network namespace; empty where the kernel has no such table.</summary>
    /// <param name="table">"tcp", "tcp6", "udp" or "udp6".</param>
    /// <param name="problem">Why the table can't be read, or null.</param>
    public static IEnumerable<SocketTableEntry> Internet(string table, out string? problem)
    {
        problem = null;
        return File.Exists("/proc/net/" + table) ? Lines(table, out problem).Select(Parse).OfType<SocketTableEntry>() : [];
    }

    /// <summary>The sockets on a port: for where sock_diag(7) does not answer.</summary>
    public static List<SocketTableEntry> Find(int protocol, int port)
    {
        var table = protocol == Libc.IPPROTO_TCP ? "tcp" : "udp";
        return [.. Internet(table, out _).Concat(Internet(table + "6", out _)).Where(e => e.Local.Port == port)];
    }

    internal static SocketTableEntry? Parse(string line)
    {
        // sl local rem st queues timer retrnsmt uid timeout inode
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 10 || EndPoint(fields[1]) is not { } local || EndPoint(fields[2]) is not { } remote) return null;
        if (!byte.TryParse(fields[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var state)
            || !uint.TryParse(fields[7], NumberStyles.None, CultureInfo.InvariantCulture, out var user)
            || !uint.TryParse(fields[9], NumberStyles.None, CultureInfo.InvariantCulture, out var inode)) return null;
        // A time-wait entry may show another state. It has no inode, and its owner is given as 0.
        return new SocketTableEntry(local, remote, state, state == TimeWait || (inode == 0 && user == 0), user, inode)
        {
            // "tx_queue:rx_queue". A listener has the connections that wait to be accepted there.
            Unread = fields[4].Length > 9 && TryHex(fields[4].AsSpan(9), out var unread) ? unread : 0,
        };
    }

    /// <summary>Reads a line of /proc/net/unix. The kernel prints a name as it is: with a line end in it, any user can make a line of any
    /// content.</summary>
    internal static UnixSocketEntry? ParseUnix(string line)
    {
        // Num RefCount Protocol Flags Type St Inode [Path]
        var fields = line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries);
        // A socket that was bound to a relative path can't be found by that.
        if (fields.Length < 8 || fields[7][0] is not ('/' or '@')) return null;
        if (!TryHex(fields[3], out var flags) || !TryHex(fields[4], out var type)) return null;
        return new UnixSocketEntry(fields[7], (IpcSocketType)type, (flags & ListeningFlag) != 0, Link(fields[6]));
    }

    private static string Link(string inode) => $"socket:[{inode}]";

    private static bool TryHex(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);

    private static IEnumerable<string> Lines(string table, out string? problem)
    {
        var path = "/proc/net/" + table;
        var lines = ProcFile.ReadLines(path, out var error);
        problem = error is null ? null : $"sockets are not listed: {path} can't be read ({error})";
        return lines.Skip(1);
    }

    // 0100007F:1F90: the address is in words of the machine's byte order, which is little-endian on every supported architecture.
    private static IPEndPoint? EndPoint(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon is not (8 or 32)) return null;
        if (!TryHex(text.AsSpan(colon + 1), out var port) || port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort) return null;
        if (text.AsSpan(0, colon).IndexOfAnyExcept(HexDigits) >= 0) return null;
        var bytes = Convert.FromHexString(text.AsSpan(0, colon));
        for (var i = 0; i < bytes.Length; i += 4) bytes.AsSpan(i, 4).Reverse();
        return new IPEndPoint(new IPAddress(bytes), port);
    }
}

/// <summary>A named Unix socket.</summary>
/// <param name="Name">Its full path, or its abstract name with a leading <c>@</c>.</param>
/// <param name="Type">Its type.</param>
/// <param name="IsListening">Whether it accepts connections.</param>
/// <param name="Link">The link of its descriptors, <c>socket:[123]</c>.</param>
internal readonly record struct UnixSocketEntry(string Name, IpcSocketType Type, bool IsListening, string Link);

/// <summary>A TCP or UDP socket as the kernel's tables list it.</summary>
internal readonly record struct SocketTableEntry(IPEndPoint Local, IPEndPoint Remote, byte State, bool IsTimeWait, uint UserId, uint Inode)
{
    private const byte SynSent = 2;
    private const byte SynReceived = 3;
    private const byte Listening = 10;

    /// <summary>Bytes that it has received and that its process has not; 0 from <see cref="Sockets.Loopback.SockDiag"/>.</summary>
    public int Unread { get; init; }

    /// <summary>tcp: whether it listens.</summary>
    public bool IsListening => State == Listening;

    /// <summary>Whether it is an open socket on a loopback address of its own family.</summary>
    public bool IsLoopback => Inode != 0 && IPAddress.IsLoopback(Local.Address) && !Local.Address.IsIPv4MappedToIPv6;

    /// <summary>tcp: whether the connection was established; a closing one counts.</summary>
    public bool IsConnected => State is not (SynSent or SynReceived or Listening);

    /// <summary>Whether it is the socket between those two.</summary>
    public bool Is(IPEndPoint local, IPEndPoint remote) => Same(Local, local) && Same(Remote, remote);

    /// <summary>udp: whether a datagram from one to the other can have come from it.</summary>
    public bool CouldSend(IPEndPoint from, IPEndPoint to) =>
        Local.Port == from.Port && (IsAny(Local.Address) || Unmapped(Local.Address).Equals(from.Address))
        && (Remote.Port == 0 || Same(Remote, to));

    /// <summary>Its own end point; an IPv4 address is one in an IPv6 socket, too.</summary>
    public IPEndPoint From => new(Unmapped(Local.Address), Local.Port);

    /// <summary>The end point of its peer.</summary>
    public IPEndPoint To => new(Unmapped(Remote.Address), Remote.Port);

    /// <summary>udp: whether it receives what a connected socket sends.</summary>
    public bool Receives(SocketTableEntry sender) =>
        Local.Port == sender.Remote.Port && (IsAny(Local.Address) || Unmapped(Local.Address).Equals(Unmapped(sender.Remote.Address)))
        && (Remote.Port == 0 || Same(Remote, sender.Local));

    private static bool Same(IPEndPoint one, IPEndPoint other) =>
        one.Port == other.Port && Unmapped(one.Address).Equals(Unmapped(other.Address));

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static bool IsAny(IPAddress address) =>
        address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || Unmapped(address).Equals(IPAddress.Any);
}
