using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Waiting;

/// <summary>The moment until which an operation may wait, on the monotonic clock. The default value waits forever.
/// A deadline is made once where an operation begins and passed down, so that retries never lengthen a wait.</summary>
public readonly struct Deadline : IEquatable<Deadline>
{
    private readonly long _at;            // Stopwatch ticks; 0: never
    private readonly TimeSpan _timeout;   // as asked, for messages

    private Deadline(long at, TimeSpan timeout)
    {
        _at = at;
        _timeout = timeout;
    }

    /// <summary>No deadline: waits until it happens, or until cancelled.</summary>
    public static Deadline Infinite => default;

    /// <summary>Does not wait at all: what cannot be done at once fails.</summary>
    public static Deadline Immediate => new(1, TimeSpan.Zero);

    /// <summary>The deadline that far from now. <see cref="Timeout.InfiniteTimeSpan"/> is <see cref="Infinite"/>.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the time is negative.</exception>
    public static Deadline After(TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan) return Infinite;
        if (timeout < TimeSpan.Zero) throw IpcException.Argument($"A time-out cannot be negative, and this one is {timeout}.");
        var ticks = timeout.TotalSeconds * Stopwatch.Frequency;
        // A time-out of centuries is none.
        return ticks > long.MaxValue / 4 ? Infinite : new(Stopwatch.GetTimestamp() + (long)ticks, timeout);
    }

    /// <summary>Whether it never passes.</summary>
    public bool IsInfinite => _at == 0;

    /// <summary>Whether it allows no waiting at all.</summary>
    public bool IsImmediate => _at == 1;

    /// <summary>Whether it has passed.</summary>
    public bool HasPassed => _at != 0 && Stopwatch.GetTimestamp() >= _at;

    /// <summary>What is left, never negative; <see cref="Timeout.InfiniteTimeSpan"/> where there is no end.</summary>
    public TimeSpan Remaining
    {
        get
        {
            if (_at == 0) return Timeout.InfiniteTimeSpan;
            var left = _at - Stopwatch.GetTimestamp();
            return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / Stopwatch.Frequency);
        }
    }

    /// <summary>What is left in nanoseconds; -1 where there is no end.</summary>
    internal long RemainingNanoseconds
    {
        get
        {
            if (_at == 0) return -1;
            var left = _at - Stopwatch.GetTimestamp();
            return left <= 0 ? 0 : (long)(left * (1e9 / Stopwatch.Frequency));
        }
    }

    /// <summary>The moment itself in nanoseconds of CLOCK_MONOTONIC, which Stopwatch counts; meaningless where there is no end.</summary>
    internal long MonotonicNanoseconds => (long)(_at * (1e9 / Stopwatch.Frequency));

    /// <summary>The time-out as it was asked for, for messages: "2.5 s".</summary>
    public string Describe() => IsInfinite ? "forever" : _timeout.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + " s";

    /// <inheritdoc/>
    public bool Equals(Deadline other) => _at == other._at;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Deadline other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _at.GetHashCode();

    /// <summary>Whether both pass at the same moment.</summary>
    public static bool operator ==(Deadline left, Deadline right) => left.Equals(right);

    /// <summary>Whether they pass at different moments.</summary>
    public static bool operator !=(Deadline left, Deadline right) => !left.Equals(right);
}
