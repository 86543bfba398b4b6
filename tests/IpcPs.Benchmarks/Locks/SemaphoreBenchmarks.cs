using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Locks;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Locks;

/// <summary>Two semaphores, post one and wait for the other, in two processes: beside the same in C.</summary>
internal sealed class SemaphoreBenchmarks : IBenchmarkGroup
{
    /// <summary>One process posts the semaphore, the other waits for it: nothing has to be released.</summary>
    public static readonly LockOptions Options = new() { NoUndo = true };

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var trips = Settings.Count(50_000);
            foreach (var (name, family) in new[] { ("POSIX", "posix"), ("System V", "sysv") })
            {
                foreach (var trip in RoundTrips.Of($"{name} semaphores, round trip", cores => RoundTrip(family, trips, cores),
                    "semaphore_roundtrip", family, $"{trips}")) yield return trip;
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static IpcLock Make(string family) => family == "posix"
        ? PosixSemaphore.Create(IpcAddress.Parse($"sem:/bench-{Guid.NewGuid():n}"), 0)
        : SysVSemaphoreSet.Create(null, 1, 0);

    private static double? RoundTrip(string family, int count, (int Ours, int Peers) cores)
    {
        using var there = Make(family);
        using var back = Make(family);
        try
        {
            using var peer = Peers.Start(
                "semaphore", cores.Peers, there.Address.Text, back.Address.Text, Text(WarmUp.Trips), Text(count));
            using var pin = Core.Pin(cores.Ours);
            WarmUp.Do(WarmUp.Trips, Go);
            var clock = new ProcessorClock();
            var start = Stopwatch.GetTimestamp();
            Go(0, count);
            var microseconds = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            MessageCost.Record(clock.PerMessage(count), peer.ExpectDone());
            return microseconds / count;
        }
        finally
        {
            IpcMechanisms.For(there.Address.Scheme).Remove(there.Address);
            IpcMechanisms.For(back.Address.Scheme).Remove(back.Address);
        }

        void Go(int from, int trips)
        {
            for (var i = from; i < from + trips; i++)
            {
                there.Release(Options);
                back.Acquire(Options);
            }
        }
    }
}
