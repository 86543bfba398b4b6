using System.Diagnostics;
using System.Globalization;
using IpcPs.Measurement;

namespace IpcPs.Benchmarks.Framework;

/// <summary>The library's three loads (<see cref="ChannelLoad"/>), warmed up and timed: one way message by message, one way many at once,
/// and round trips. The channel's other end is a <see cref="CountingPeer"/> or an <see cref="EchoPeer"/>.</summary>
internal static class ChannelLoads
{
    public static readonly SendOptions Framed = new() { Framed = true };

    /// <summary>Messages a second from this process to a peer that counts them.</summary>
    /// <param name="channel">Where to send.</param>
    /// <param name="address">What the peer opens to receive.</param>
    /// <param name="count">Messages.</param>
    /// <param name="size">Bytes a message.</param>
    /// <param name="atOnce">Whether to use the many-at-once call.</param>
    /// <param name="options">How to send; streams want an envelope.</param>
    public static double OneWay(IpcChannel channel, string address, int count, int size, bool atOnce, in SendOptions options)
    {
        var warmUp = Math.Min(WarmUp.Messages, count);
        using var peer = Peers.Start("count", null, address, Text(warmUp), Text(count));
        return Pour(channel, peer, warmUp, count, size, atOnce, options);
    }

    /// <summary>Messages a second to a peer that says when it has them all.</summary>
    public static double Pour(IpcChannel channel, PeerProcess peer, int warmUp, int count, int size, bool atOnce, in SendOptions options)
    {
        var payload = new byte[size];
        var how = options;
        WarmUp.Do(warmUp, (_, some) => ChannelLoad.Pour(channel, payload, some, atOnce, how));
        var clock = new ProcessorClock();
        var start = Stopwatch.GetTimestamp();
        ChannelLoad.Pour(channel, payload, count, atOnce, options);
        var cost = peer.ExpectDone();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        MessageCost.Record(clock.PerMessage(count), cost);
        return count / seconds;
    }

    /// <summary>Microseconds a round trip with a peer that sends back what it receives.</summary>
    /// <param name="send">Where to send.</param>
    /// <param name="receive">Where the answer comes.</param>
    /// <param name="peerReceives">What the peer opens to receive.</param>
    /// <param name="peerSends">What the peer opens to answer.</param>
    /// <param name="count">Round trips.</param>
    /// <param name="size">Bytes a message.</param>
    /// <param name="cores">The cores of this process and of the peer; null to leave it to the scheduler.</param>
    /// <param name="options">How to send.</param>
    public static double RoundTrip(
        IpcChannel send, IpcChannel receive, string peerReceives, string peerSends, int count, int size, (int Ours, int Peers)? cores,
        in SendOptions options)
    {
        using var peer = Peers.Start("echo", cores?.Peers, peerReceives, peerSends, Text(WarmUp.Trips), Text(count));
        return RoundTrip(send, receive, peer, count, size, cores?.Ours, options);
    }

    /// <summary>Microseconds a round trip with a peer that is there.</summary>
    public static double RoundTrip(
        IpcChannel send, IpcChannel receive, PeerProcess peer, int count, int size, int? core, in SendOptions options)
    {
        using var pin = Core.Pin(core);
        var payload = new byte[size];
        var how = options;
        WarmUp.Do(WarmUp.Trips, (_, some) => Go(some));
        var clock = new ProcessorClock();
        var start = Stopwatch.GetTimestamp();
        Go(count);
        var microseconds = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        MessageCost.Record(clock.PerMessage(count), peer.ExpectDone());
        return microseconds / count;

        void Go(int trips) => ChannelLoad.RoundTrips(send, receive, payload, trips, how);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
