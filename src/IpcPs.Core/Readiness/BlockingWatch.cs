namespace IpcPs.Readiness;

/// <summary>The watch of an object that has no descriptor: a thread blocks in the kernel for it. The thread is started by the first wait
/// that finds the object not ready.</summary>
/// <param name="target">The object's address.</param>
/// <param name="closing">Cancelled when the object is closed.</param>
internal abstract class BlockingWatch(string target, CancellationToken closing) : ReadinessWatch
{
    private ReadyEvent? _event;

    internal override CancellationToken Ending => closing;

    public sealed override ReadyState Check()
    {
        if (closing.IsCancellationRequested) return ReadyState.Failed;
        try
        {
            return CheckNow();
        }
        catch (Exception e) when (e is IpcException or ObjectDisposedException)
        {
            return ReadyState.Failed;
        }
    }

    internal override void AddTo(PollSet polls) =>
        polls.Add((_event ??= new ReadyEvent(() => Check() != ReadyState.None, UntilChanged, target, closing)).Ask());

    /// <summary>Whether the object is ready; may throw the object's own errors.</summary>
    private protected abstract ReadyState CheckNow();

    /// <summary>Blocks in the kernel until the object may be ready. What it acquires for that it releases at once.</summary>
    private protected abstract void UntilChanged(CancellationToken cancellation);

    protected override void Dispose(bool disposing)
    {
        if (disposing) _event?.Dispose();
        base.Dispose(disposing);
    }
}
