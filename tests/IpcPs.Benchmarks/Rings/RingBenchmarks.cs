using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Rings;

namespace IpcPs.Benchmarks.Rings;

/// <summary>The ring beside a plain C ring, which has no lock, no wake-up and survives nothing; beside memcpy(3), Boost's message_queue and
/// NetMQ.</summary>
internal sealed class RingBenchmarks : IBenchmarkGroup
{
    private const int Size = 100;
    private const int Block = 4096;

    // As large as the ring: in the same cache.
    private const string Area = "1048576";

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var messages = Settings.Count(10_000_000);
            var trips = Settings.Count(500_000);
            var blocks = Settings.Count(1_000_000);
            var boost = Settings.Count(1_000_000);
            var naps = Settings.Count(1000);
            var plain = new Contender("C, plain ring", () => CPrograms.Run("ring_oneway", $"{messages}", $"{Size}"));
            yield return new("ring, one way, 100 bytes", "messages/s", 0.6, false,
                new("IpcPs, Send", () => OneWay(messages, Size, atOnce: false)), Many(messages, Size, 1))
            { Others = [(plain, null)] };
            yield return new("ring, one way, 100 bytes, many at once", "messages/s", 0.6, false,
                new("IpcPs, Enqueue", () => OneWay(messages, Size, atOnce: true)), Many(messages, Size, 1))
            { Others = [(plain, null)] };
            yield return new("ring, one way, 100 bytes, beside Boost", "messages/s", 3, false,
                new("IpcPs, Send", () => OneWay(messages, Size, atOnce: false)),
                new("Boost message_queue", () => CPrograms.Run("boost_queue", $"{boost}", $"{Size}")));
            yield return new("ring, one way, 100 bytes, beside NetMQ", "messages/s", 3, false,
                new("IpcPs, Send", () => OneWay(messages, Size, atOnce: false)),
                new("NetMQ, push and pull", () => NetMQPeer.OneWay(boost, Size)));
            yield return new("ring, round trip, 100 bytes, both awake", "us", 2, true,
                new("IpcPs", () => RoundTrip(trips)),
                new("C, plain rings, spinning", () => CPrograms.Run("ring_roundtrip", $"{trips}", $"{Size}")));
            yield return new("ring, one way, 4 KiB", "messages/s", 0.6, false,
                new("IpcPs, Send", () => OneWay(blocks, Block, atOnce: false)), Many(blocks, Block, 1))
            {
                Others = [(new("C, plain ring", () => CPrograms.Run("ring_oneway", $"{blocks}", $"{Block}")), null),
                    (new("C, memcpy, one core", () => CPrograms.Run("memcpy_blocks", $"{blocks}", $"{Block}", Area)), null)],
            };
            yield return new("ring, two writers and two readers, Send", "messages/s", 0.6, false,
                new("IpcPs, Send", () => TwoAndTwo(messages / 4, atOnce: false)), Many(messages / 4, Size, 2));
            yield return new("ring, two writers and two readers, many at once", "messages/s", 0.6, false,
                new("IpcPs, Enqueue", () => TwoAndTwo(messages / 4, atOnce: true)), Many(messages / 4, Size, 2));
            yield return new("ring, round trip, 100 bytes, other side asleep", "us", 1, true,
                new("IpcPs", () => Asleep(naps)), new("C, pipes", () => CPrograms.Run("pipe_asleep", $"{naps}", $"{Size}")));
        }
    }

    private static Contender Many(int count, int size, int sides) => new($"C, ring with locks, {sides} and {sides}",
        () => CPrograms.Run("ring_many", $"{count}", $"{size}", $"{sides}", $"{sides}"));

    private static IpcAddress Fresh(string name) =>
        IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"ring:/bench-{name}-{Environment.ProcessId}"));

    private static double? OneWay(int count, int size, bool atOnce)
    {
        using var ring = MessageRing.Create(Fresh("oneway"));
        return RingLoads.OneWay(ring, count, size, atOnce, 1, 1);
    }

    private static double? TwoAndTwo(int count, bool atOnce)
    {
        using var ring = MessageRing.Create(Fresh("many"));
        return RingLoads.OneWay(ring, count, Size, atOnce, 2, 2);
    }

    private static double? RoundTrip(int count)
    {
        using var there = MessageRing.Create(Fresh("there"));
        using var back = MessageRing.Create(Fresh("back"));
        return ChannelLoads.RoundTrip(there, back, there.Address.Text, back.Address.Text, count, Size, (0, 1), default);
    }

    private static double? Asleep(int count)
    {
        using var there = MessageRing.Create(Fresh("there"));
        using var back = MessageRing.Create(Fresh("back"));
        using var peer = Peers.Start("echo", 1, there.Address.Text, back.Address.Text, "0", count.ToString(CultureInfo.InvariantCulture));
        using var pin = Core.Pin(0);
        var message = new MessageBuffer();
        var payload = new byte[Size];
        var spent = 0L;
        for (var i = 0; i < count; i++)
        {
            Thread.Sleep(1);
            var start = Stopwatch.GetTimestamp();
            there.Send(payload);
            back.Receive(message);
            spent += Stopwatch.GetTimestamp() - start;
        }
        return spent * 1e6 / Stopwatch.Frequency / count;
    }
}
