using System.Buffers.Binary;
using System.Net;

namespace IpcPs.Tracing;

/// <summary>What a trace reads from an IP packet. The bytes come from the network: every length is checked.</summary>
internal readonly record struct IpPacket
{
    public const byte Udp = 17;

    private const byte Tcp = 6;

    public IPEndPoint From { get; private init; }

    public IPEndPoint To { get; private init; }

    public int PayloadStart { get; private init; }

    public int PayloadLength { get; private init; }

    /// <summary>TCP: the number of the first byte, and whether the segment begins a connection.</summary>
    public uint Sequence { get; private init; }

    public bool IsSyn { get; private init; }

    /// <summary>Null if it is not a whole packet of that protocol.</summary>
    public static IpPacket? TryParse(ReadOnlySpan<byte> packet, byte protocol)
    {
        if (packet.IsEmpty) return null;
        return (packet[0] >> 4) switch
        {
            4 when packet.Length >= 20 => Version4(packet, protocol),
            6 when packet.Length >= 40 => Version6(packet, protocol),
            _ => null,
        };
    }

    private static IpPacket? Version4(ReadOnlySpan<byte> packet, byte protocol)
    {
        var header = (packet[0] & 15) * 4;
        // A fragment other than the first has no ports. Loopback makes none.
        var isLaterFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1FFF) != 0;
        if (packet[9] != protocol || header < 20 || isLaterFragment) return null;
        var total = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        // 0: larger than the field can say.
        if (total >= header && total < packet.Length) packet = packet[..total];
        return Transport(packet, header, protocol, new IPAddress(packet.Slice(12, 4)), new IPAddress(packet.Slice(16, 4)));
    }

    private static IpPacket? Version6(ReadOnlySpan<byte> packet, byte protocol)
    {
        const int header = 40;
        if (packet[6] != protocol) return null;
        var length = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (length > 0 && header + length < packet.Length) packet = packet[..(header + length)];
        return Transport(packet, header, protocol, new IPAddress(packet.Slice(8, 16)), new IPAddress(packet.Slice(24, 16)));
    }

    private static IpPacket? Transport(ReadOnlySpan<byte> packet, int start, byte protocol, IPAddress from, IPAddress to)
    {
        if (packet.Length < start + (protocol == Tcp ? 20 : 8)) return null;
        var header = packet[start..];
        var size = protocol == Tcp ? (header[12] >> 4) * 4 : 8;
        if (size < 8 || size > header.Length) return null;
        return new IpPacket
        {
            From = new IPEndPoint(from, BinaryPrimitives.ReadUInt16BigEndian(header)),
            To = new IPEndPoint(to, BinaryPrimitives.ReadUInt16BigEndian(header[2..])),
            PayloadStart = start + size,
            PayloadLength = header.Length - size,
            Sequence = protocol == Tcp ? BinaryPrimitives.ReadUInt32BigEndian(header[4..]) : 0,
            IsSyn = protocol == Tcp && (header[13] & 2) != 0,
        };
    }
}

/// <summary>The order of TCP segments: a byte that was sent again is skipped (tcp(7)).</summary>
internal sealed class TcpOrder
{
    // A connection whose beginning was forgotten begins again with its next segment.
    private const int MaxConnections = 10_000;

    private readonly Dictionary<(bool IsToServer, IPEndPoint Client), uint> _next = [];

    /// <summary>How many bytes of the segment's payload were seen before.</summary>
    public int SkipKnown(in IpPacket packet, bool isToServer, IPEndPoint client)
    {
        var key = (isToServer, client);
        if (packet.IsSyn)
        {
            if (_next.Count >= MaxConnections) _next.Clear();
            _next[key] = packet.Sequence + 1;
            return packet.PayloadLength;
        }
        if (packet.PayloadLength == 0) return 0;
        var known = _next.TryGetValue(key, out var next) ? (int)(next - packet.Sequence) : 0;
        // Before what is expected: sent again. After it: the trace has missed something.
        if (known >= packet.PayloadLength) return packet.PayloadLength;
        _next[key] = packet.Sequence + (uint)packet.PayloadLength;
        return Math.Max(known, 0);
    }
}
