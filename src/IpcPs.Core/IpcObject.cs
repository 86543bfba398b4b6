namespace IpcPs;

/// <summary>An IPC object that this process has open: a pipe, a queue, a segment, a semaphore. Closing it closes this process's end; the
/// kernel's object lives as long as the mechanism says (see each type).</summary>
public abstract class IpcObject : IDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private int _closed;

    /// <summary>Creates the managed side of an object.</summary>
    /// <param name="address">Where others find it.</param>
    protected IpcObject(IpcAddress address) => Address = address;

    /// <summary>The short text by which any process finds the object.</summary>
    public IpcAddress Address { get; protected set; }

    /// <summary>What it is, in the words of the man pages: "named pipe", "POSIX message queue".</summary>
    public abstract string Kind { get; }

    /// <summary>Whether this end was closed.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>The one descriptor by which the object can be handed to another process (SCM_RIGHTS, inheritance); null where there is none, or more than one.</summary>
    public virtual System.Runtime.InteropServices.SafeHandle? HandleToPass => null;

    /// <summary>Cancelled when this end is closed: what a wait on this object passes to the Waiter.</summary>
    protected internal CancellationToken Closing => _closing.Token;

    /// <summary>Closes this process's end, once; whoever waits on it in this process gets <see cref="IpcErrors.Closed"/>.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        _closing.Cancel();
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes descriptors and mappings. Handles that own them finalize themselves, so no finalizer is needed.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Throws when this end was closed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>.</exception>
    protected void ThrowIfClosed()
    {
        if (IsClosed) throw WasClosed();
    }

    /// <summary>The exception for use after, or during, a close: what a handle that was closed under a running call becomes.</summary>
    protected IpcException WasClosed() => new(IpcErrors.Closed, $"'{Address}' was closed.", Address.Text) { Advice = IpcAdvice.OpenAgain };

    /// <summary>The address: so that what PowerShell serializes flat can still be opened.</summary>
    public override string ToString() => Address.Text;
}
