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
                yield return new($"{name} semaphores, round trip, one core", "us", 1.15, true,
                    new("IpcPs", () => RoundTrip(family, trips, (0, 0))),
                    new("C, blocking", () => CPrograms.RunOn("0", "semaphore_roundtrip", family, $"{trips}", "0", "0")));
                yield return new($"{name} semaphores, round trip, across cores", "us", 0.15, true,
                    new("IpcPs", () => RoundTrip(family, trips, (0, 1))),
                    new("C, blocking", () => CPrograms.Run("semaphore_roundtrip", family, $"{trips}", "0", "1")));
            }
        }
    }

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
                "semaphore", cores.Peers, there.Address.Text, back.Address.Text, (count + WarmUp.Trips)
                .ToString(CultureInfo.InvariantCulture));
            using var pin = Core.Pin(cores.Ours);
            WarmUp.Do(WarmUp.Trips, Go);
            var start = Stopwatch.GetTimestamp();
            Go(0, count);
            return Stopwatch.GetElapsedTime(start).TotalMicroseconds / count;
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
