using System.Diagnostics;

namespace IpcPs.Channels;

/// <summary>How long a reader that has caught up with its writer waits on after the next message has come. Messages that come one right after the other are a stream, of which it lets a
/// few gather, more from time to time; one that took longer may be an answer that somebody waits for.</summary>
/// <remarks>Not synchronized: a torn update costs a microsecond.</remarks>
internal struct RingPatience
{
    /// <summary>Stopwatch ticks that a writer lets room gather when the ring was full: nobody waits for it then.</summary>
    public static readonly long ForRoom = Stopwatch.Frequency / 250_000;    // 4 us

    private static readonly long Stream = Stopwatch.Frequency / 5_000_000;  // 200 ns
    private static readonly long First = Stopwatch.Frequency / 10_000_000;  // 100 ns
    private static readonly long Most = Stopwatch.Frequency / 1_250_000;    // 800 ns

    private long _ticks;

    /// <summary>Stopwatch ticks to wait on, when the message was waited for that long.</summary>
    public long After(long waited) => _ticks = waited > Stream ? 0 : Math.Min(Most, Math.Max(First, _ticks * 2));
}
