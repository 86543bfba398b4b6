namespace IpcPs.Readiness;

/// <summary>Watches one object for a <see cref="ReadinessWaiter"/>: whether it is ready, and the descriptors that tell when that
/// changes. It takes nothing from the object: no message, no semaphore, no signal.</summary>
public abstract class ReadinessWatch : IDisposable
{
    /// <summary>Whether the object is ready now. Never waits.</summary>
    /// <returns><see cref="ReadyState.None"/> if it is not.</returns>
    public abstract ReadyState Check();

    /// <summary>Adds the descriptors to poll after <see cref="Check"/> has returned None. They are readable, or become so, when another
    /// check can return something else.</summary>
    internal abstract void AddTo(PollSet polls);

    /// <summary>Cancelled when the object ends without an event on a descriptor.</summary>
    internal virtual CancellationToken Ending => CancellationToken.None;

    /// <summary>Ends the watch. The object stays as it is.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the watch itself has opened.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
