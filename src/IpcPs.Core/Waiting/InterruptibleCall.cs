using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>A system call that blocks and knows no deadline: open(2) of a FIFO, msgrcv(2), flock(2).</summary>
/// <typeparam name="T">What it gives.</typeparam>
internal interface IBlockingCall<T>
{
    /// <summary>Makes the call.</summary>
    /// <param name="result">What it gave.</param>
    /// <returns>0, or the errno.</returns>
    int Invoke(out T result);
}

/// <summary>Gives a deadline and cancellation to calls that have neither: a signal directed at the blocked thread makes the call return EINTR.</summary>
/// <remarks>The signal is SIGURG, whose default is to be ignored, so that a stray one harms nobody. Its handler is a function of libc that
/// does nothing (a managed handler would kill the process), installed without SA_RESTART. It is repeated until the call has returned.
/// Calls: signal(2), siginterrupt(3), tgkill(2).</remarks>
internal static class InterruptibleCall
{
    private static readonly Lazy<bool> Handler = new(InstallHandler);

    /// <summary>Makes the call, again after each EINTR, until it succeeds, fails, or must not go on.</summary>
    /// <param name="call">The call.</param>
    /// <param name="result">What it gave.</param>
    /// <param name="wait">Until when it may block, and what cancels the wait.</param>
    /// <param name="closing">The object's token.</param>
    /// <returns>0; the errno; or ETIMEDOUT when the deadline passed.</returns>
    public static int Invoke<TCall, T>(ref TCall call, out T result, in WaitOptions wait, CancellationToken closing = default)
        where TCall : struct, IBlockingCall<T>
    {
        _ = Handler.Value;
        var interruption = new Interruption(Libc.getpid(), Libc.gettid());
        using var onCancel = wait.Cancellation.UnsafeRegister(static i => ((Interruption)i!).Interrupt(), interruption);
        using var onClose = closing.UnsafeRegister(static i => ((Interruption)i!).Interrupt(), interruption);
        using var timer = wait.Deadline.IsInfinite ? null : new Timer(static i => ((Interruption)i!).Interrupt(), interruption, wait.Deadline.Remaining, Timeout.InfiniteTimeSpan);
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
            // Before the registrations are disposed, which wait for a callback that is running.
            interruption.Leave();
        }
    }

    private static bool InstallHandler()
    {
        var libc = NativeLibrary.Load("libc.so.6");
        _ = Libc.signal(Libc.SIGURG, NativeLibrary.GetExport(libc, "abs"));
        return Libc.siginterrupt(Libc.SIGURG, 1) == 0;
    }

    private sealed class Interruption(int processId, int threadId) : ThreadInterruption
    {
        protected override void Poke() => _ = Libc.tgkill(processId, threadId, Libc.SIGURG);
    }
}
