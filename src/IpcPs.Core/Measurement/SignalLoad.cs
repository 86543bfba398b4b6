using System.Diagnostics;
using IpcPs.Signals;

namespace IpcPs.Measurement;

/// <summary>Round trips of a real-time signal with a value.</summary>
public static class SignalLoad
{
    /// <summary>Sends the signal, and waits for the peer's with the same value.</summary>
    /// <param name="signal">The signal.</param>
    /// <param name="target">The peer, which runs <see cref="Echo"/>.</param>
    /// <param name="arrivals">The signals that this process collects.</param>
    /// <param name="from">The first value.</param>
    /// <param name="count">Round trips.</param>
    /// <param name="wait">How long to wait.</param>
    /// <param name="ticks">Receives the time of each; empty if they are not wanted.</param>
    /// <exception cref="IpcException">What sending throws. <see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.InvalidData"/>: it is no
    /// echo.</exception>
    public static void RoundTrips(Signal signal, SignalTarget target, SignalWait arrivals, int from, int count, in WaitOptions wait,
        Span<long> ticks = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(arrivals);
        var last = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            target.Send(signal, from + i);
            if (Next(arrivals, wait).Value != from + i) throw new IpcException(IpcErrors.InvalidData, "The echo is not what was sent.");
            if (ticks.IsEmpty) continue;
            var now = Stopwatch.GetTimestamp();
            ticks[i] = now - last;
            last = now;
        }
    }

    /// <summary>Sends each signal's value back.</summary>
    /// <exception cref="IpcException">What sending throws. <see cref="IpcErrors.Timeout"/>.</exception>
    public static void Echo(Signal signal, SignalTarget target, SignalWait arrivals, int count, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(arrivals);
        for (; count > 0; count--) target.Send(signal, Next(arrivals, wait).Value);
    }

    private static ReceivedSignal Next(SignalWait arrivals, in WaitOptions wait) =>
        arrivals.Next(wait) ?? throw IpcException.TimedOut("a signal", null, wait.Deadline);
}
