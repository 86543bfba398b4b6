namespace IpcPs.Rings.Algorithm;

/// <summary>Gives a ring what it lacks to be waited for together with other channels: a descriptor, an eventfd(2), that is readable when a receive would not wait. A thread of its own
/// sleeps on the ring's behalf, from the first time on that somebody asks.</summary>
internal sealed class RingReadyEvent : IDisposable
{
    private readonly Func<bool> _isReady;
    private readonly Action _untilChanged;
    private readonly CancellationToken _closing;
    private readonly SemaphoreSlim _asked = new(0, 1);
    private readonly EventDescriptor _event;
    private int _isWatching;

    /// <param name="isReady">Whether a receive would not wait.</param>
    /// <param name="untilChanged">Sleeps until that may have changed, at once where it is so already.</param>
    /// <param name="target">The ring's address.</param>
    /// <param name="closing">Cancelled when the ring is closed.</param>
    public RingReadyEvent(Func<bool> isReady, Action untilChanged, string target, CancellationToken closing)
    {
        (_isReady, _untilChanged, _closing) = (isReady, untilChanged, closing);
        _event = new EventDescriptor(target);
        new Thread(Run, 256 * 1024) { IsBackground = true, Name = "IpcPs ring readiness" }.Start();
    }

    /// <summary>The descriptor, readable from now on when a message is there or the end.</summary>
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
                // Before the signal: who is woken by it may ask again at once.
                Volatile.Write(ref _isWatching, 0);
                _event.Set();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IpcException or ObjectDisposedException)
        {
            // Closed, or damaged: whoever waits finds out by receiving.
            if (!_event.Handle.IsClosed) _event.Set();
        }
    }
}
