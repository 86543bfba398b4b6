using System.Diagnostics;

namespace IpcPs.Rings.Algorithm;

/// <summary>How long a reader that has caught up with its writer waits on after the next message has come. Messages that come one right after the other are a stream, of which it lets a
/// few gather, more from time to time. Where none gather, the one that came was an answer that somebody waited for, and the next ones are taken at once.</summary>
/// <remarks>Not synchronized: a torn update costs a microsecond.</remarks>
internal struct RingReceiveCoalescing
{
    /// <summary>Stopwatch ticks that a writer lets room gather when the ring was full: nobody waits for it then.</summary>
    public static readonly long ForRoom = Stopwatch.Frequency / 250_000;    // 4 us

    private const int MostSkips = 4096;

    private static readonly long First = Stopwatch.Frequency / 10_000_000;  // 100 ns
    private static readonly long Most = Stopwatch.Frequency / 1_250_000;    // 800 ns

    private long _ticks;
    private int _skips;
    private int _left;

    /// <summary>Stopwatch ticks to wait on; 0 for none.</summary>
    /// <param name="soon">Whether the message came right after the one before it.</param>
    public long Next(bool soon)
    {
        if (!soon) return _ticks = 0;
        if (_left > 0)
        {
            _left--;
            return 0;
        }
        return _ticks = Math.Min(Most, Math.Max(First, _ticks * 2));
    }

    /// <summary>What came of it.</summary>
    /// <param name="more">Whether more messages gathered.</param>
    public void Waited(bool more)
    {
        _skips = more ? 0 : Math.Min(MostSkips, Math.Max(1, _skips * 2));
        _left = _skips;
        if (!more) _ticks = 0;
    }
}
