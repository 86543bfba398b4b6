namespace IpcPs.Channels;

/// <summary>A lock that can be waited for with a deadline and given up: one thread at a time sends, or receives, on a channel. Uncontended it
/// costs two interlocked operations.</summary>
internal sealed class Gate : IDisposable
{
    private readonly SemaphoreSlim _wake = new(0);
    private int _taken;
    private int _waiting;

    /// <summary>Enters.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Enter(Deadline deadline, CancellationToken cancellation) =>
        Interlocked.CompareExchange(ref _taken, 1, 0) == 0 || EnterSlow(deadline, cancellation);

    /// <summary>Leaves; only the thread that entered may.</summary>
    public void Exit()
    {
        // The exchange is a full fence: whoever announced itself before it is seen here, whoever comes after sees the gate open.
        Interlocked.Exchange(ref _taken, 0);
        if (Volatile.Read(ref _waiting) > 0) _wake.Release();
    }

    public void Dispose() => _wake.Dispose();

    private bool EnterSlow(Deadline deadline, CancellationToken cancellation)
    {
        if (deadline.IsImmediate) return false;
        Interlocked.Increment(ref _waiting);
        try
        {
            while (Interlocked.CompareExchange(ref _taken, 1, 0) != 0)
            {
                if (!_wake.Wait(deadline.IsInfinite ? Timeout.InfiniteTimeSpan : deadline.Remaining, cancellation) && deadline.HasPassed)
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
