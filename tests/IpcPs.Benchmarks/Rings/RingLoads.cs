using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Rings;

namespace IpcPs.Benchmarks.Rings;

/// <summary>Messages from a number of writers to a number of readers, each in a process of its own; this one is a writer too.</summary>
internal static class RingLoads
{
    /// <summary>Messages a second, from the first that is sent to the last that is received, warmed up.</summary>
    public static double OneWay(MessageRing ring, int count, int size, bool atOnce, int writers, int readers)
    {
        var receivers = Enumerable.Range(0, readers).Select(_ => Peers.Start("drain", null, ring.Address.Text)).ToList();
        WarmUp.Do(Math.Min(WarmUp.Messages, count), (_, some) => Pour(ring, some, size, atOnce));
        while (ring.PendingBytes > 0) Thread.Yield();
        // Not before: they would be done while this one warms up.
        var senders = Enumerable.Range(1, writers - 1)
            .Select(_ => Peers.Start("pour", null, ring.Address.Text, Text(count), Text(size), atOnce ? "1" : "0")).ToList();
        var clock = new ProcessorClock();
        var start = Stopwatch.GetTimestamp();
        Pour(ring, count, size, atOnce);
        foreach (var sender in senders) sender.Expect("done");
        ring.CompleteSending();
        // Of the receivers, each message is received by one.
        var costs = receivers.ConvertAll(static r => r.ExpectDone());
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        MessageCost.Record(clock.PerMessage(count), costs.Average());
        foreach (var peer in receivers.Concat(senders)) peer.Dispose();
        return (double)count * writers / seconds;
    }

    public static void Pour(MessageRing ring, int count, int size, bool atOnce)
    {
        var payload = new byte[size];
        if (!atOnce)
        {
            for (var i = 0; i < count; i++) ring.Send(payload);
            return;
        }
        for (var i = 0; i < count; i++) ring.Enqueue(payload);
        ring.Flush();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
