using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Measurement;
using IpcPs.Signals;

namespace IpcPs.Benchmarks.Signals;

/// <summary>Real-time signals with a value, beside C's sigqueue with sigtimedwait and with signalfd; and what a session costs that waits
/// for them.</summary>
internal sealed class SignalBenchmarks : IBenchmarkGroup
{
    private static readonly Signal Used = Signal.Parse("RTMIN+3");

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var trips = Settings.Count(50_000);
            var row = Settings.Count(100_000);
            foreach (var trip in RoundTrips.Of("signals, round trip with a value", cores => RoundTrip(trips, cores),
                "signal_roundtrip", $"{trips}")) yield return trip;
            yield return new("signals, 100,000 in a row with a value, all in order", "signals/s", 0.5, false,
                new("IpcPs, collected", () => Row(row)), new("C, signalfd", () => CPrograms.Run("signal_oneway", $"{row}")));
        }
    }

    private static double? RoundTrip(int count, (int Ours, int Peers) cores)
    {
        using var collector = new SignalCollector(Used);
        using var peer = Peers.Start("signal-echo", cores.Peers, Text(Environment.ProcessId), Text(count + WarmUp.Trips));
        using var target = SignalTarget.Open(int.Parse(peer.ReadLine(), CultureInfo.InvariantCulture));
        using var pin = Core.Pin(cores.Ours);
        using var wait = collector.BeginWait();
        WarmUp.Do(WarmUp.Trips, Go);
        var start = Stopwatch.GetTimestamp();
        Go(WarmUp.Trips, count);
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / count;

        void Go(int from, int trips) =>
            SignalLoad.RoundTrips(Used, target, wait, from, trips, Deadline.After(TimeSpan.FromMinutes(5)));
    }

    // The sender is the C program in both: receiving is what is measured.
    private static double? Row(int count)
    {
        if (CPrograms.Find("signal_sender") is null) return null;
        using var collector = new SignalCollector(Used);
        using var wait = collector.BeginWait();
        var sender = Task.Run(() => CPrograms.Run("signal_sender", Text(Environment.ProcessId), Text(Used.Number), Text(count)));
        var start = 0L;
        for (var i = 0; i < count; i++)
        {
            if (i == 1) start = Stopwatch.GetTimestamp();
            if (Next(wait).Value != i) throw new InvalidOperationException($"Signal {i} is missing.");
        }
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        sender.Wait();
        return count / seconds;
    }

    private static ReceivedSignal Next(SignalWait wait) =>
        wait.Next(Deadline.After(TimeSpan.FromSeconds(30))) ?? throw new InvalidOperationException("No signal came.");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
