using System.Diagnostics;

namespace IpcPs.Waiting;

/// <summary>Decides how long a receiver retries before it blocks. Waking a halted core costs about 50 us, so a peer that answers
/// within that time is better awaited by spinning. Against any other peer, spinning wastes CPU. A spin that succeeds raises the
/// budget to 20 us. A spin in vain halves it, in the end to 0. A block that turns out short raises it again.</summary>
/// <remarks>Each channel has one for each direction. Not synchronized: a torn update costs a microsecond, not correctness.</remarks>
internal struct AdaptiveWait
{
    private static readonly long MaxBudget = Stopwatch.Frequency / 50_000;     // 20 us
    private static readonly long MinBudget = Stopwatch.Frequency / 1_000_000;  // 1 us
    private static readonly long ShortBlock = Stopwatch.Frequency / 5_000;     // 200 us

    // A yield that takes longer than this has run another thread: both sides share a core.
    internal static readonly long SharedCoreYield = Stopwatch.Frequency / 1_000_000;  // 1 us

    // Across cores, an immediate retry would contend for the object's lock with the peer that it waits for.
    internal static readonly long Pause = Stopwatch.Frequency * 7 / 10_000_000;       // 0.7 us

    // A thread that waits more often than this without sending reads a stream.
    private const int StreamLength = 16;

    private const byte SharedCoreKnown = 16;
    private const byte YieldsBetweenTrials = 64;

    private readonly bool _onlyInConversations;
    private ReceiveStreak _streak;
    private long _budget;
    private bool _initialized;
    private byte _afterYield;

    private AdaptiveWait(bool onlyInConversations) => _onlyInConversations = onlyInConversations;

    /// <summary>For channels that hold many messages: spins only in conversations. The sender of a stream does not wait for the
    /// receiver. A receiver that keeps pace would read each message while the sender writes the next one: both would work on the
    /// same cache lines, at half the speed. While the receiver sleeps, messages gather.</summary>
    public static AdaptiveWait InConversations => new(true);

    /// <summary>Whether this thread has waited here many times without sending anything.</summary>
    public readonly bool ReadsStream => _streak.Length > StreamLength;

    /// <summary>Begins a wait.</summary>
    /// <returns>Stopwatch ticks to spin for; 0 to block at once.</returns>
    public long Begin()
    {
        if (!_initialized)
        {
            _initialized = true;
            _budget = MaxBudget;
        }
        return _onlyInConversations && _streak.Add() > StreamLength ? 0 : _budget;
    }

    /// <summary>Whether to yield before the first attempt. On a shared core the peer can answer only once it runs, so that an
    /// attempt before the yield is a wasted system call. Every 65th time the answer is no, in case things have changed.</summary>
    public bool YieldsFirst
    {
        get
        {
            if (_afterYield < SharedCoreKnown) return false;
            if (++_afterYield < SharedCoreKnown + YieldsBetweenTrials) return true;
            _afterYield = SharedCoreKnown;
            return false;
        }
    }

    /// <summary>Records that the first attempt succeeded, without waiting.</summary>
    public void WasReady()
    {
        // One yield that runs the peer is enough to yield first again: in a conversation a message may be there early once in a while.
        if (_afterYield >= SharedCoreKnown) _afterYield = SharedCoreKnown - 1;
    }

    /// <summary>Records that a spin succeeded.</summary>
    /// <param name="sharedCore">Whether it did after one yield, which ran the peer.</param>
    public void Succeeded(bool sharedCore)
    {
        _budget = MaxBudget;
        if (!sharedCore) _afterYield = 0;
        else if (_afterYield < SharedCoreKnown) _afterYield++;
    }

    /// <summary>Records that a spin used up its budget in vain.</summary>
    public void Failed()
    {
        _budget /= 2;
        if (_budget < MinBudget) _budget = 0;
    }

    /// <summary>Records a block. If it was short, a spin would have been better.</summary>
    /// <param name="ticks">How long it lasted, in Stopwatch ticks.</param>
    public void Blocked(long ticks)
    {
        if (ticks < ShortBlock) _budget = Math.Min(MaxBudget, Math.Max(MinBudget, _budget * 2));
    }
}
