using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Benchmarks.Sockets;

/// <summary>Sockets of every connected kind beside C programs that make one blocking call a message, and beside .NET's own.</summary>
internal sealed class SocketBenchmarks : IBenchmarkGroup
{
    private const int Size = SocketLoads.Size;
    private const int Clients = 500;

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var messages = Settings.Count(1_000_000);
            var trips = Settings.Count(50_000);
            foreach (var (name, kind) in new[] { ("unix stream", "stream"), ("unix seqpacket", "seqpacket"), ("TCP", "tcp") })
            {
                yield return new($"{name} socket, one way, 100 bytes", "messages/s", 0.9, false,
                    new("IpcPs, Send", () => SocketLoads.OneWay(kind, messages, atOnce: false)),
                    new("C, blocking", () => CPrograms.Run("socket_oneway", kind, $"{messages}", $"{Size}")));
                foreach (var trip in RoundTrips.Of($"{name} socket, round trip, 100 bytes",
                    cores => SocketLoads.RoundTrip(kind, trips, cores), "socket_roundtrip", kind, $"{trips}", $"{Size}"))
                    yield return trip;
            }
            foreach (var (name, kind) in new[] { ("unix stream", "stream"), ("TCP", "tcp") })
            {
                yield return new($"{name} socket, one way, 100 bytes, many at once", "messages/s", null, false,
                    new("IpcPs, SendMany", () => SocketLoads.OneWay(kind, messages * 5, atOnce: true)),
                    new("C, one send a message", () => CPrograms.Run("socket_oneway", kind, $"{messages}", $"{Size}")));
                yield return new($"{name} socket, one way, 100 bytes, beside .NET", "messages/s", null, false,
                    new("IpcPs, Send", () => SocketLoads.OneWay(kind, messages, atOnce: false)),
                    new("System.Net.Sockets", () => DotNetSockets.OneWay(kind, messages, Size)));
            }
            yield return new($"unix stream listener, {Clients} clients, one way, 100 bytes", "messages/s", null, false,
                new("IpcPs, Receive", () => ManyClients(messages)),
                new("C, one client", () => CPrograms.Run("socket_oneway", "stream", $"{messages}", $"{Size}")));
        }
    }

    private static double? ManyClients(int count)
    {
        using var listener = (SocketListener)IpcSocket.Listen(SocketLoads.Place("stream"));
        using var peer = Peers.Start("many-clients", null, listener.Address.Text, Text(Clients), Text(count / Clients));
        var message = new MessageBuffer();
        var start = Stopwatch.GetTimestamp();
        var all = count / Clients * Clients;
        for (var i = 0; i < all; i++) listener.Receive(message);
        return all / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
