using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Waiting;

/// <summary>The moment until which an operation may wait, on the monotonic clock. The default value waits forever.
/// A deadline is created once, where an operation begins, and passed down, so that retries never lengthen a wait.</summary>
public readonly record struct Deadline
{
    private readonly long _at;            // Stopwatch ticks; 0: infinite; 1: immediate
    private readonly TimeSpan _timeout;   // as requested, for messages

    private Deadline(long at, TimeSpan timeout)
    {
        _at = at;
        _timeout = timeout;
    }

    /// <summary>No deadline: the wait ends when it succeeds or is cancelled.</summary>
    public static Deadline Infinite => default;

    /// <summary>No wait at all: an operation that cannot be done at once fails.</summary>
    public static Deadline Immediate => new(1, TimeSpan.Zero);

    /// <summary>The deadline at that time from now; <see cref="Infinite"/> for <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the time is negative.</exception>
    public static Deadline After(TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan) return Infinite;
        if (timeout < TimeSpan.Zero) throw IpcException.Argument($"A timeout cannot be negative: {timeout}.");
        var ticks = timeout.TotalSeconds * Stopwatch.Frequency;
        // Centuries are as good as infinite, and would overflow.
        return ticks > long.MaxValue / 4 ? Infinite : new(Stopwatch.GetTimestamp() + (long)ticks, timeout);
    }

    /// <summary>Whether there is no deadline.</summary>
    public bool IsInfinite => _at == 0;

    /// <summary>Whether no wait at all is allowed.</summary>
    public bool IsImmediate => _at == 1;

    /// <summary>Whether it has passed.</summary>
    public bool HasPassed => _at != 0 && Stopwatch.GetTimestamp() >= _at;

    /// <summary>The time that is left, never negative; <see cref="Timeout.InfiniteTimeSpan"/> without a deadline.</summary>
    public TimeSpan Remaining
    {
        get
        {
            if (_at == 0) return Timeout.InfiniteTimeSpan;
            var left = _at - Stopwatch.GetTimestamp();
            return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / Stopwatch.Frequency);
        }
    }

    /// <summary>The time that is left in nanoseconds, never negative; -1 without a deadline.</summary>
    internal long RemainingNanoseconds
    {
        get
        {
            if (_at == 0) return -1;
            var left = _at - Stopwatch.GetTimestamp();
            return left <= 0 ? 0 : (long)(left * (1e9 / Stopwatch.Frequency));
        }
    }

    /// <summary>The moment in nanoseconds of CLOCK_MONOTONIC, the clock of Stopwatch; meaningless without a deadline.</summary>
    internal long MonotonicNanoseconds => (long)(_at * (1e9 / Stopwatch.Frequency));

    /// <summary>The timeout as it was requested, for messages: "2.5 s".</summary>
    public string Describe() => IsInfinite ? "forever" : _timeout.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + " s";

    /// <inheritdoc cref="Describe"/>
    public override string ToString() => Describe();
}
