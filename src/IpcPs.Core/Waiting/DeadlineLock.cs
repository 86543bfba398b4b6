namespace IpcPs.Waiting;

/// <summary>A lock whose wait has a deadline and can be cancelled: one thread at a time sends, or receives, on a channel. Without
/// contention it costs one interlocked operation.</summary>
internal sealed class DeadlineLock : IDisposable
{
    // After this time every thread sees the last holder's release.
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(1);

    private readonly SemaphoreSlim _wake = new(0);
    private int _held;
    private int _waiters;

    /// <summary>Whether a thread has the lock.</summary>
    public bool IsHeld => Volatile.Read(ref _held) != 0;

    /// <summary>Acquires the lock.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Enter(in WaitOptions wait) =>
        Interlocked.CompareExchange(ref _held, 1, 0) == 0 || EnterSlow(wait);

    /// <summary>Releases the lock. Only the thread that acquired it may.</summary>
    public void Exit()
    {
        // A fence between the two lines would cost as much as the rest of the lock. Without it, this thread can miss a waiter that
        // announces itself in between. That is why a waiter's first wait is short.
        Volatile.Write(ref _held, 0);
        if (Volatile.Read(ref _waiters) > 0) _wake.Release();
    }

    public void Dispose() => _wake.Dispose();

    private bool EnterSlow(in WaitOptions wait)
    {
        if (wait.Deadline.IsImmediate) return false;
        Interlocked.Increment(ref _waiters);
        var first = true;
        try
        {
            while (Interlocked.CompareExchange(ref _held, 1, 0) != 0)
            {
                var left = wait.Deadline.Remaining;
                if (first && (wait.Deadline.IsInfinite || left > FirstWait)) left = FirstWait;
                first = false;
                if (!_wake.Wait(left, wait.Cancellation) && wait.Deadline.HasPassed)
                    return Interlocked.CompareExchange(ref _held, 1, 0) == 0;
            }
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _waiters);
        }
    }
}
