using System.Diagnostics;

namespace IpcPs.Waiting;

/// <summary>How long a receiver retries before it blocks. Waking a halted core costs some 50 us, so a peer that answers
/// within that time is better met awake; one that doesn't must not cost CPU. Spinning that succeeds earns more spinning, up to
/// 20 us; spinning in vain halves it down to none, and a block that turned out short brings it back.</summary>
/// <remarks>One per channel and direction, not synchronized: a torn update costs a microsecond, not correctness.</remarks>
internal struct AdaptiveWait
{
    private static readonly long Maximum = Stopwatch.Frequency / 50_000;     // 20 us
    private static readonly long Minimum = Stopwatch.Frequency / 1_000_000;  // 1 us
    private static readonly long ShortBlock = Stopwatch.Frequency / 5_000;   // 200 us

    // A yield that took longer than this ran somebody else: both sides share a core.
    internal static readonly long OthersRan = Stopwatch.Frequency / 1_000_000;      // 1 us

    // Across cores a retry at once would take the object's lock from the very peer that is waited for.
    internal static readonly long Pause = Stopwatch.Frequency * 7 / 10_000_000;     // 0.7 us

    // A thread that waits so often without sending between its waits reads a stream.
    private const int IsStream = 16;

    private const byte KnownShared = 16;
    private const byte UntilTried = 64;

    private readonly bool _onlyInConversations;
    private ReceiveStreak _quietWaits;
    private long _budget;
    private bool _known;
    private byte _afterYield;

    private AdaptiveWait(bool onlyInConversations) => _onlyInConversations = onlyInConversations;

    /// <summary>For channels that hold many messages. In a stream nobody waits for this side, and a reader that keeps pace takes each message from under the
    /// sender's hands: both then work on the same cache lines all the time, at half the speed. While it sleeps, messages gather.</summary>
    public static AdaptiveWait InConversations => new(true);

    /// <summary>Whether this thread has waited here again and again without sending anything.</summary>
    public readonly bool ReadsStream => _quietWaits.Length > IsStream;

    /// <summary>A wait begins.</summary>
    /// <returns>Stopwatch ticks to spin for; 0 for none.</returns>
    public long Begin()
    {
        if (!_known)
        {
            _known = true;
            _budget = Maximum;
        }
        return _onlyInConversations && _quietWaits.Add() > IsStream ? 0 : _budget;
    }

    /// <summary>Whether to yield before even the first attempt: on a shared core the peer answers only once it runs, and trying before is a call for
    /// nothing. From time to time it is tried all the same, in case things have changed.</summary>
    public bool YieldsFirst
    {
        get
        {
            if (_afterYield < KnownShared) return false;
            if (++_afterYield < KnownShared + UntilTried) return true;
            _afterYield = KnownShared;
            return false;
        }
    }

    /// <summary>The first attempt did it, without waiting.</summary>
    public void WasReady() => _afterYield = 0;

    /// <summary>The peer came while we spun.</summary>
    /// <param name="sharedCore">After one yield that ran it.</param>
    public void Succeeded(bool sharedCore)
    {
        _budget = Maximum;
        if (!sharedCore) _afterYield = 0;
        else if (_afterYield < KnownShared) _afterYield++;
    }

    /// <summary>The peer did not come in time.</summary>
    public void Failed()
    {
        _budget /= 2;
        if (_budget < Minimum) _budget = 0;
    }

    /// <summary>We blocked for that many Stopwatch ticks; had it been little, spinning would have been right.</summary>
    public void Blocked(long ticks)
    {
        if (ticks < ShortBlock) _budget = Math.Min(Maximum, Math.Max(Minimum, _budget * 2));
    }
}
