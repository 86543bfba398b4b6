namespace IpcPs.Waiting;

/// <summary>A lock that can be waited for with a deadline and given up: one thread at a time sends, or receives, on a channel. Uncontended it
/// costs one interlocked operation.</summary>
internal sealed class DeadlineLock : IDisposable
{
    // By then who left without seeing us has left for everybody to see.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly SemaphoreSlim _wake = new(0);
    private int _taken;
    private int _waiting;

    /// <summary>Enters.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Enter(in WaitOptions wait) =>
        Interlocked.CompareExchange(ref _taken, 1, 0) == 0 || EnterSlow(wait);

    /// <summary>Leaves; only the thread that entered may.</summary>
    public void Exit()
    {
        // No fence between both, which would cost as much as all the rest: whoever announces itself between them looks again after a moment.
        Volatile.Write(ref _taken, 0);
        if (Volatile.Read(ref _waiting) > 0) _wake.Release();
    }

    public void Dispose() => _wake.Dispose();

    private bool EnterSlow(in WaitOptions wait)
    {
        if (wait.Deadline.IsImmediate) return false;
        Interlocked.Increment(ref _waiting);
        var first = true;
        try
        {
            while (Interlocked.CompareExchange(ref _taken, 1, 0) != 0)
            {
                var left = wait.Deadline.IsInfinite ? Timeout.InfiniteTimeSpan : wait.Deadline.Remaining;
                if (first && (wait.Deadline.IsInfinite || left > Moment)) left = Moment;
                first = false;
                if (!_wake.Wait(left, wait.Cancellation) && wait.Deadline.HasPassed)
                    return Interlocked.CompareExchange(ref _taken, 1, 0) == 0;
            }
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
