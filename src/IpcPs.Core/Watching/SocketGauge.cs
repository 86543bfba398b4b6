using System.Buffers.Binary;
using System.Net;
using IpcPs.Inventory;
using IpcPs.Sockets.Loopback;

namespace IpcPs.Watching;

/// <summary>Reads sockets. The kernel counts the bytes of a TCP connection (tcp_info). The bytes of a listener are those of all connections
/// to its port.</summary>
internal sealed class SocketGauge
{
    // struct tcp_info: tcpi_bytes_acked and tcpi_bytes_received.
    private const int Acknowledged = 120;
    private const int Received = 128;
    private const byte Listening = 10;

    private readonly Dictionary<string, Reading> _unix = new(StringComparer.Ordinal);
    private readonly Dictionary<(IPEndPoint Local, IPEndPoint? Remote), Reading> _tcp = [];
    private readonly Dictionary<(IPEndPoint Local, IPEndPoint? Remote), Reading> _udp = [];
    private readonly Dictionary<int, long> _carried = [];
    private Dictionary<(IPEndPoint, IPEndPoint), long> _connections = [];
    private bool _hasUnix;
    private bool _hasTcp;
    private bool _hasUdp;
    private bool _isFirst = true;

    /// <summary>Forgets what was read: the next <see cref="Read"/> asks the kernel again.</summary>
    public void Expire() => (_hasUnix, _hasTcp, _hasUdp) = (false, false, false);

    /// <summary>Reads a socket.</summary>
    /// <returns>Null if it is gone.</returns>
    public Reading? Read(IpcObjectInfo info)
    {
        if (info.Address.Scheme == IpcScheme.Unix)
        {
            if (!_hasUnix) _hasUnix = ReadUnix();
            // The file of a socket that was left behind has no socket.
            return _unix.TryGetValue(info.Address.Text, out var reading) ? reading
                : !_hasUnix ? new Reading { Depth = info.Depth } : info.IsStale ? new Reading() : null;
        }
        var isTcp = info.Address.Scheme == IpcScheme.Tcp;
        if (isTcp && !_hasTcp) _hasTcp = ReadTcp();
        if (!isTcp && !_hasUdp) _hasUdp = ReadUdp();
        return info.Address.EndPoint is { } local && (isTcp ? _tcp : _udp).TryGetValue((local, info.Remote), out var socket) ? socket
            : (isTcp ? _hasTcp : _hasUdp) ? null : new Reading { Depth = info.Depth };
    }

    private bool ReadUnix()
    {
        _unix.Clear();
        return DiagDump.Unix((message, attributes) =>
        {
            var name = SockDiag.Attribute(attributes, DiagDump.UnixName);
            var queue = SockDiag.Attribute(attributes, DiagDump.UnixQueue);
            if (name.IsEmpty || queue.Length < 8) return;
            if (SocketAddressParser.TryOfKernelName(UnixSocketTable.NameOf(name), (IpcSocketType)message[1]) is not { } address) return;
            var isListening = message[2] == Listening;
            // An accepted connection has the name of its listener.
            if (!isListening && _unix.ContainsKey(address.Text)) return;
            var (used, most) = (BitConverter.ToUInt32(queue), BitConverter.ToUInt32(queue[4..]));
            _unix[address.Text] = isListening ? Backlog(used, most) : Queue(used, null);
        });
    }

    private bool ReadUdp()
    {
        _udp.Clear();
        return Each(Libc.IPPROTO_UDP, (message, attributes) =>
        {
            var (local, remote, used, _) = Parse(message);
            var memory = SockDiag.Attribute(attributes, DiagDump.Memory);
            // struct sk_meminfo: what is received, and the limit, SO_RCVBUF.
            _udp[(local, remote)] = Queue(used, memory.Length < 8 ? null : BitConverter.ToUInt32(memory[4..]));
        });
    }

    private static bool Each(int protocol, DiagDump.Visit visit) =>
        DiagDump.Inet(Libc.AF_INET, protocol, visit) | DiagDump.Inet(Libc.AF_INET6, protocol, visit);

    private bool ReadTcp()
    {
        _tcp.Clear();
        var now = new Dictionary<(IPEndPoint, IPEndPoint), long>();
        var listeners = new List<(IPEndPoint Local, Reading Reading)>();
        var answered = Each(Libc.IPPROTO_TCP, (message, attributes) =>
        {
            var (local, remote, used, most) = Parse(message);
            if (message[1] == Listening) listeners.Add((local, Backlog(used, most)));
            if (remote is null) return;
            var info = SockDiag.Attribute(attributes, DiagDump.TcpInfo);
            long? bytes = info.Length < Received + 8 ? null
                : BitConverter.ToInt64(info[Acknowledged..]) + BitConverter.ToInt64(info[Received..]);
            if (bytes is { } count) now[(local, remote)] = count;
            _tcp[(local, remote)] = Queue(used, null) with { Bytes = bytes, Counts = IpcRateSource.KernelCounters };
        });
        foreach (var ((local, remote), bytes) in now)
        {
            var before = _connections.TryGetValue((local, remote), out var last) && last <= bytes ? last : _isFirst ? bytes : 0;
            _carried[local.Port] = _carried.GetValueOrDefault(local.Port) + bytes - before;
        }
        foreach (var (local, reading) in listeners)
            _tcp[(local, null)] = reading with
            { Bytes = _carried.GetValueOrDefault(local.Port), Counts = IpcRateSource.KernelCounters };
        (_connections, _isFirst) = (now, false);
        return answered;
    }

    private static Reading Backlog(uint used, uint most) =>
        new() { Depth = used, Unit = IpcDepthUnit.Connections, Capacity = most, IsFull = most > 0 && used >= most };

    private static Reading Queue(uint used, long? most) => new()
    {
        Depth = used,
        Unit = IpcDepthUnit.Bytes,
        Capacity = most,
        IsFull = used >= 0.95 * most,
        Bytes = used,
        Counts = IpcRateSource.DepthChanges,
    };

    private static (IPEndPoint Local, IPEndPoint? Remote, uint Used, uint Most) Parse(ReadOnlySpan<byte> message)
    {
        var id = message[4..];
        var size = message[0] == Libc.AF_INET6 ? 16 : 4;
        var local = new IPEndPoint(new IPAddress(id.Slice(4, size)), BinaryPrimitives.ReadUInt16BigEndian(id));
        var port = BinaryPrimitives.ReadUInt16BigEndian(id[2..]);
        var remote = port == 0 ? null : new IPEndPoint(new IPAddress(id.Slice(20, size)), port);
        return (local, remote, BitConverter.ToUInt32(message[56..]), BitConverter.ToUInt32(message[60..]));
    }
}
