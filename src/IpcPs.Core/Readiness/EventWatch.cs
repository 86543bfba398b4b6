namespace IpcPs.Readiness;

/// <summary>The watch of something that the program itself notices: it calls <see cref="Set"/> (eventfd(2)).</summary>
public sealed class EventWatch : ReadinessWatch
{
    private readonly EventDescriptor _event = new();
    private readonly Func<ReadyState> _check;
    private volatile bool _isDisposed;

    /// <param name="check">Whether it is ready now.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no descriptor is left.</exception>
    public EventWatch(Func<ReadyState> check) => _check = check;

    /// <inheritdoc/>
    public override ReadyState Check() => _check();

    /// <summary>Ends a wait, which checks again. Any thread may call it, also after the watch was disposed.</summary>
    public void Set()
    {
        try
        {
            if (!_isDisposed) _event.Set();
        }
        catch (ObjectDisposedException)
        {
            // It was disposed meanwhile.
        }
    }

    internal override void AddTo(PollSet polls)
    {
        // What is set between the last check and this would be lost, but for the second check.
        _event.Reset();
        if (_check() != ReadyState.None) _event.Set();
        polls.Add(_event.Handle);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        if (disposing) _event.Dispose();
        base.Dispose(disposing);
    }
}
