using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Benchmarks.Sockets;

/// <summary>The loads of one connection, by the kind of socket: stream, seqpacket (both unix), tcp.</summary>
internal static class SocketLoads
{
    /// <summary>Bytes a message.</summary>
    public const int Size = 100;

    /// <summary>Where such a socket may listen.</summary>
    public static IpcAddress Place(string kind) => IpcAddress.Parse(kind switch
    {
        "tcp" => "tcp:127.0.0.1:0",
        "seqpacket" => $"unix:@ipcps-bench-{Guid.NewGuid():n}?type=seqpacket",
        _ => $"unix:@ipcps-bench-{Guid.NewGuid():n}",
    });

    // A stream needs an envelope to keep messages apart; a packet is one.
    private static SendOptions Options(string kind) =>
        kind == "seqpacket" ? new SendOptions { Format = IpcFormat.Bytes } : ChannelLoads.Framed;

    /// <summary>Messages a second.</summary>
    public static double? OneWay(string kind, int count, bool atOnce)
    {
        using var listener = (SocketListener)IpcSocket.Listen(Place(kind));
        var warmUp = Math.Min(WarmUp.Messages, count);
        using var peer = Peers.Start("count", null, listener.Address.Text, Text(warmUp), Text(count));
        using var channel = listener.Accept();
        return ChannelLoads.Pour(channel, peer, warmUp, count, Size, atOnce, Options(kind));
    }

    /// <summary>Microseconds a round trip.</summary>
    public static double? RoundTrip(string kind, int count, (int Ours, int Peers) cores)
    {
        using var listener = (SocketListener)IpcSocket.Listen(Place(kind));
        using var peer = Peers.Start("echo", cores.Peers, listener.Address.Text, listener.Address.Text, Text(WarmUp.Trips), Text(count));
        using var channel = listener.Accept();
        return ChannelLoads.RoundTrip(channel, channel, peer, count, Size, cores.Ours, Options(kind));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
