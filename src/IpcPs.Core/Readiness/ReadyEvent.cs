namespace IpcPs.Readiness;

/// <summary>A descriptor for an object that has none, so that a program can wait for it together with other objects: an eventfd(2) that is
/// readable when the object is ready. From the first call of <see cref="Ask"/> on, a thread blocks in the kernel until the object is
/// ready, and sets it.</summary>
internal sealed class ReadyEvent : IDisposable
{
    private readonly Func<bool> _isReady;
    private readonly Action<CancellationToken> _untilChanged;
    private readonly CancellationTokenSource _ending;
    private readonly SemaphoreSlim _asked = new(0, 1);
    private readonly EventDescriptor _event;
    private int _isWatching;

    /// <param name="isReady">Whether the object is ready. Never waits.</param>
    /// <param name="untilChanged">Blocks until <paramref name="isReady"/> may have changed, or the token is cancelled. Returns at once if
    /// it is true already.</param>
    /// <param name="target">The object's address.</param>
    /// <param name="closing">Cancelled when the object is closed.</param>
    public ReadyEvent(Func<bool> isReady, Action<CancellationToken> untilChanged, string target, CancellationToken closing)
    {
        (_isReady, _untilChanged) = (isReady, untilChanged);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(closing);
        _event = new EventDescriptor(target);
        var ending = _ending.Token;
        BackgroundThread.Start("IpcPs readiness", () => Run(ending), target, 256 * 1024);
    }

    /// <summary>Returns the descriptor. It becomes readable when the object is ready, was closed, or is damaged.</summary>
    public SafeDescriptor Ask()
    {
        _event.Reset();
        if (_isReady()) _event.Set();
        else if (Interlocked.Exchange(ref _isWatching, 1) == 0) _asked.Release();
        return _event.Handle;
    }

    /// <summary>Ends the thread, which does not block any more when it is about to.</summary>
    public void Dispose()
    {
        _ending.Cancel();
        _ending.Dispose();
        _event.Dispose();
    }

    private void Run(CancellationToken ending)
    {
        try
        {
            while (true)
            {
                _asked.Wait(ending);
                while (!_isReady()) _untilChanged(ending);
                // Before the signal, because a thread that it wakes may call Ask again at once.
                Volatile.Write(ref _isWatching, 0);
                _event.Set();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IpcException or ObjectDisposedException)
        {
            // The object was closed, or is damaged. A thread that waits for the descriptor gets the error from the object itself.
            SetIfOpen();
        }
    }

    private void SetIfOpen()
    {
        try
        {
            _event.Set();
        }
        catch (ObjectDisposedException)
        {
            // No thread waits for it any more.
        }
    }
}
