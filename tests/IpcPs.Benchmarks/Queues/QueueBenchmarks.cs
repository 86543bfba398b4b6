using IpcPs.Benchmarks.Framework;
using IpcPs.Mechanisms;
using IpcPs.Queues;

namespace IpcPs.Benchmarks.Queues;

/// <summary>Message queues of both families beside C programs that make one blocking call a message.</summary>
internal sealed class QueueBenchmarks : IBenchmarkGroup
{
    private const int Size = 100;

    private static readonly SendOptions Bytes = new() { Format = IpcFormat.Bytes };

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var messages = Settings.Count(1_000_000);
            var trips = Settings.Count(50_000);
            foreach (var (name, family, make) in new (
                string, string, Func<MessageChannel>)[] { ("POSIX queue", "posix", MakePosix), ("System V queue", "sysv", MakeSysV) })
            {
                yield return new($"{name}, one way, 100 bytes", "messages/s", 0.9, false,
                    new("IpcPs, Send", () => OneWay(make, messages)),
                    new("C, blocking", () => CPrograms.Run("queue_oneway", family, $"{messages}", $"{Size}")));
                foreach (var trip in RoundTrips.Of($"{name}s, round trip, 100 bytes", cores => RoundTrip(make, trips, cores),
                    "queue_roundtrip", family, $"{trips}", $"{Size}")) yield return trip;
            }
        }
    }

    private static PosixQueue MakePosix() => PosixQueue.Create(IpcAddress.Parse($"mq:/bench-{Guid.NewGuid():n}"), 10, 8192);

    private static SysVQueue MakeSysV() => SysVQueue.Create();

    private static double? OneWay(Func<MessageChannel> make, int count)
    {
        using var queue = make();
        try
        {
            return ChannelLoads.OneWay(queue, queue.Address.Text, count, Size, atOnce: false, Bytes);
        }
        finally
        {
            IpcMechanisms.For(queue.Address.Scheme).Remove(queue.Address);
        }
    }

    private static double? RoundTrip(Func<MessageChannel> make, int count, (int, int) cores)
    {
        using var there = make();
        using var back = make();
        try
        {
            return ChannelLoads.RoundTrip(there, back, there.Address.Text, back.Address.Text, count, Size, cores, Bytes);
        }
        finally
        {
            IpcMechanisms.For(there.Address.Scheme).Remove(there.Address);
            IpcMechanisms.For(back.Address.Scheme).Remove(back.Address);
        }
    }
}
