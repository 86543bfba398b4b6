using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>A system call that blocks and has no timeout: open(2) of a FIFO, msgrcv(2), flock(2).</summary>
/// <typeparam name="T">The type of its result.</typeparam>
internal interface IBlockingCall<T>
{
    /// <summary>Makes the call.</summary>
    /// <returns>0, or the errno.</returns>
    int Invoke(out T result);
}

/// <summary>Adds a deadline and cancellation to calls that have neither: a signal to the blocked
/// thread makes the call return EINTR.</summary>
/// <remarks>The signal is SIGURG. It is ignored by default, so that a late one does no harm. Its handler is a function of libc that
/// does nothing (a managed handler would kill the process), installed without SA_RESTART. The signal is repeated until the call has
/// returned. Calls: signal(2), siginterrupt(3), tgkill(2).</remarks>
internal static class InterruptibleCall
{
    private static readonly Lazy<bool> Handler = new(InstallHandler);

    /// <summary>Makes the call, again after each EINTR, until it succeeds, fails, or the wait is over.</summary>
    /// <param name="call">The call.</param>
    /// <param name="result">The call's result.</param>
    /// <param name="wait">How long the call may block, and what cancels it.</param>
    /// <param name="closing">Cancelled when the object is closed: <see cref="IpcErrors.Closed"/>.</param>
    /// <returns>0; the errno; or ETIMEDOUT when the deadline passed.</returns>
    public static int Invoke<TCall, T>(ref TCall call, out T result, in WaitOptions wait, CancellationToken closing = default)
        where TCall : struct, IBlockingCall<T>
    {
        _ = Handler.Value;
        var interruption = new SignalInterruption(Libc.getpid(), Libc.gettid());
        using var onCancel = wait.Cancellation.UnsafeRegister(ThreadInterruption.Callback, interruption);
        using var onClose = closing.UnsafeRegister(ThreadInterruption.Callback, interruption);
        using var timer = wait.Deadline.IsInfinite
            ? null
            : new Timer(new TimerCallback(ThreadInterruption.Callback), interruption, wait.Deadline.Remaining, Timeout.InfiniteTimeSpan);
        try
        {
            while (true)
            {
                Waiter.ThrowIfOver(wait.Cancellation, closing);
                var errno = call.Invoke(out result);
                if (errno != Errno.EINTR) return errno;
                Waiter.ThrowIfOver(wait.Cancellation, closing);
                if (wait.Deadline.HasPassed) return Errno.ETIMEDOUT;
            }
        }
        finally
        {
            // Before the registrations are disposed, which waits for a callback that is running.
            interruption.Leave();
        }
    }

    private static bool InstallHandler()
    {
        var libc = NativeLibrary.Load("libc.so.6");
        _ = Libc.signal(Libc.SIGURG, NativeLibrary.GetExport(libc, "abs"));
        return Libc.siginterrupt(Libc.SIGURG, 1) == 0;
    }

    private sealed class SignalInterruption(int processId, int threadId) : ThreadInterruption
    {
        protected override void InterruptOnce() => _ = Libc.tgkill(processId, threadId, Libc.SIGURG);
    }
}

/// <summary>Gets a thread out of a system call that it may be blocked in. No other thread can know whether it has entered the call
/// yet. So it is interrupted again and again, until it reports that it has left.</summary>
internal abstract class ThreadInterruption
{
    private const int MillisecondsBetween = 1;

    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _hasLeft;

    /// <summary>Interrupts the thread of the <see cref="ThreadInterruption"/> that is its argument, until that has left.</summary>
    public static readonly Action<object?> Callback = static interruption => ((ThreadInterruption)interruption!).Interrupt();

    /// <summary>Called by the thread itself when it will not make the call again.</summary>
    public void Leave()
    {
        lock (this)
        {
            _hasLeft = true;
            Monitor.PulseAll(this);
        }
    }

    /// <summary>Makes the call return, if the thread is in it.</summary>
    protected abstract void InterruptOnce();

    private void Interrupt()
    {
        // A token that is cancelled already calls back during registration, on the thread that is about to make the call. That
        // thread checks the token itself before it does.
        if (Environment.CurrentManagedThreadId == _thread) return;
        lock (this)
        {
            while (!_hasLeft)
            {
                InterruptOnce();
                Monitor.Wait(this, MillisecondsBetween);
            }
        }
    }
}
