using IpcPs.Readiness;

namespace IpcPs;

/// <summary>An IPC object that this process has open: a pipe, a queue, a segment, a semaphore. Closing it closes this process's end. How
/// long
/// the kernel keeps the object itself depends on the mechanism (see each type).</summary>
public abstract class IpcObject : IDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private int _closed;

    /// <summary>Creates the managed side of an object.</summary>
    /// <param name="address">The address by which other processes find it.</param>
    protected IpcObject(IpcAddress address) => Address = address;

    /// <summary>The short text by which any process finds the object.</summary>
    public IpcAddress Address { get; protected set; }

    /// <summary>The text of <see cref="Address"/>. Of several objects at once, <c>.Address</c> is a method of .NET's arrays.</summary>
    public string AddressText => Address.Text;

    /// <summary>What it is, in the terms of the man pages: "named pipe", "POSIX message queue".</summary>
    public abstract string Kind { get; }

    /// <summary>Whether this end was closed.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>The descriptor by which the object can be passed to another process (SCM_RIGHTS, inheritance); null where it has none, or
    /// more than one.</summary>
    public virtual System.Runtime.InteropServices.SafeHandle? HandleToPass => null;

    /// <summary>Cancelled when this end is closed. A wait on this object passes it to the <see cref="Waiter"/>.</summary>
    protected internal CancellationToken Closing => _closing.Token;

    /// <summary>Closes this process's end, once. Waits on it in this process end with <see cref="IpcErrors.Closed"/>.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        _closing.Cancel();
        Dispose(disposing: true);
        AfterClose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes descriptors and mappings. A finalizer is not needed: the handles that own them have one.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Called once, after this end was closed.</summary>
    private protected virtual void AfterClose()
    {
    }

    /// <summary>Begins to watch whether the object is ready, for <see cref="ReadinessWaiter"/>. The watch is for one thread, and takes
    /// nothing from the object.</summary>
    /// <param name="options">What to wait for, where the object has several things.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotSupported"/>: there is nothing to wait for.</exception>
    public virtual ReadinessWatch CreateWatch(in ReadinessOptions options = default) =>
        throw new IpcException(IpcErrors.NotSupported, $"'{Address}' ({Kind}) has nothing to wait for.", Address.Text);

    /// <summary>Throws when this end was closed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>.</exception>
    protected void ThrowIfClosed()
    {
        if (IsClosed) throw WasClosed();
    }

    /// <summary>The exception for use during or after a close. A call whose handle is closed while it runs throws it too.</summary>
    protected virtual IpcException WasClosed() =>
        new(IpcErrors.Closed, $"'{Address}' was closed.", Address.Text) { Advice = IpcAdvice.OpenAgain };

    /// <summary>The address: a copy that was serialized as text can still be opened by it.</summary>
    public override string ToString() => Address.Text;
}

/// <summary>What an object is opened for.</summary>
[Flags]
public enum IpcAccess
{
    /// <summary>Everything that the object offers.</summary>
    Default = 0,
    /// <summary>Receiving, reading.</summary>
    Read = 1,
    /// <summary>Sending, writing.</summary>
    Write = 2,
    /// <summary>Both.</summary>
    ReadWrite = Read | Write,
}
