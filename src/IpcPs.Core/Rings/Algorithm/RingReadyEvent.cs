namespace IpcPs.Rings.Algorithm;

/// <summary>A descriptor for a ring, so that a program can wait for the ring together with other channels: an eventfd(2) that is readable
/// when a receive would not block. From the first call of <see cref="Ask"/> on, a thread sleeps for the ring and sets it.</summary>
internal sealed class RingReadyEvent : IDisposable
{
    private readonly Func<bool> _isReady;
    private readonly Action _untilChanged;
    private readonly CancellationToken _closing;
    private readonly SemaphoreSlim _asked = new(0, 1);
    private readonly EventDescriptor _event;
    private int _isWatching;

    /// <param name="isReady">Whether a receive would not block.</param>
    /// <param name="untilChanged">Sleeps until <paramref name="isReady"/> may have changed. Returns at once if it is true already.</param>
    /// <param name="target">The ring's address.</param>
    /// <param name="closing">Cancelled when the ring is closed.</param>
    public RingReadyEvent(Func<bool> isReady, Action untilChanged, string target, CancellationToken closing)
    {
        (_isReady, _untilChanged, _closing) = (isReady, untilChanged, closing);
        _event = new EventDescriptor(target);
        BackgroundThread.Start("IpcPs ring readiness", Run, target, 256 * 1024);
    }

    /// <summary>Returns the descriptor. It becomes readable when there is a message or the end of the stream.</summary>
    public SafeDescriptor Ask()
    {
        _event.Reset();
        if (_isReady()) _event.Set();
        else if (Interlocked.Exchange(ref _isWatching, 1) == 0) _asked.Release();
        return _event.Handle;
    }

    public void Dispose() => _event.Dispose();

    private void Run()
    {
        try
        {
            while (true)
            {
                _asked.Wait(_closing);
                while (!_isReady()) _untilChanged();
                // Before the signal, because a thread that it wakes may call Ask again at once.
                Volatile.Write(ref _isWatching, 0);
                _event.Set();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IpcException or ObjectDisposedException)
        {
            // The ring was closed, or is damaged. A thread that waits for the descriptor gets the error when it receives.
            if (!_event.Handle.IsClosed) _event.Set();
        }
    }
}
