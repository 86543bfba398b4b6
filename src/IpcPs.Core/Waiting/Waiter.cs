using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>An operation that either completes at once or would have to wait. A struct, so that <see cref="Waiter"/> retries it
/// without an allocation and the just-in-time compiler inlines it.</summary>
internal interface IAttempt
{
    /// <summary>Tries once, without blocking.</summary>
    /// <returns>True when done, or failed for good (the attempt keeps the error); false when it would block.</returns>
    bool TryOnce();
}

/// <summary>All waiting of the library. Every wait has a deadline, ends when its token is cancelled or its object is closed, retries
/// EINTR against the same deadline, and uses no CPU while blocked.</summary>
/// <remarks>Calls: ppoll(2) on the descriptor and the thread's eventfd(2); sched_yield(2) while it spins.</remarks>
internal static unsafe partial class Waiter
{
    /// <summary>Tries to receive until it succeeds: at once, then spinning while that is worthwhile, then blocked in ppoll(2).</summary>
    /// <param name="attempt">The operation, which is tried first and after each wait.</param>
    /// <param name="descriptor">The descriptor to poll.</param>
    /// <param name="adaptive">The channel's state, which decides whether to spin.</param>
    /// <param name="wait">How long to wait, and what cancels the wait.</param>
    /// <param name="closing">Cancelled when the object is closed: <see cref="IpcErrors.Closed"/>.</param>
    /// <returns>False when the deadline passed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Until<T>(
        ref T attempt, SafeDescriptor descriptor, ref AdaptiveWait adaptive, in WaitOptions wait, CancellationToken closing = default)
        where T : struct, IAttempt
    {
        return TryFirst(ref attempt, ref adaptive) || UntilSlow(ref attempt, descriptor, ref adaptive, wait, closing);
    }

    /// <summary>Makes the first attempt of a receive, after a yield if <see cref="AdaptiveWait.YieldsFirst"/> says so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool TryFirst<T>(ref T attempt, ref AdaptiveWait adaptive)
        where T : struct, IAttempt
    {
        var yielded = adaptive.YieldsFirst;
        if (yielded) _ = Libc.sched_yield();
        if (!attempt.TryOnce()) return false;
        // After a yield it is unknown whether the message was there before it.
        if (!yielded) adaptive.WasReady();
        return true;
    }

    /// <summary>The rest of <see cref="Until"/>, after the first attempt.</summary>
    internal static bool UntilSlow<T>(
        ref T attempt, SafeDescriptor descriptor, ref AdaptiveWait adaptive, in WaitOptions wait, CancellationToken closing)
        where T : struct, IAttempt
    {
        while (true)
        {
            ThrowIfOver(wait.Cancellation, closing);
            if (wait.Deadline.IsImmediate) return false;
            if (Spin(ref attempt, ref adaptive)) return true;
            var blockedAt = Stopwatch.GetTimestamp();
            var ready = Poll(descriptor, PollEvents.In, wait, closing);
            adaptive.Blocked(Stopwatch.GetTimestamp() - blockedAt);
            if (attempt.TryOnce()) return true;
            if (!ready) return false;
        }
    }

    /// <summary>Tries to send until there is buffer space: at once, then blocked in ppoll(2). It does not spin: the peer has a full
    /// buffer to read meanwhile, and a sender that refills each place as soon as it is free is slower.</summary>
    /// <param name="attempt">The operation, which is tried first and after each wait.</param>
    /// <param name="descriptor">The descriptor to poll.</param>
    /// <param name="wait">How long to wait, and what cancels the wait.</param>
    /// <param name="closing">Cancelled when the object is closed: <see cref="IpcErrors.Closed"/>.</param>
    /// <returns>False when the deadline passed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool UntilWritable<T>(ref T attempt, SafeDescriptor descriptor, in WaitOptions wait, CancellationToken closing = default)
        where T : struct, IAttempt
    {
        return attempt.TryOnce() || UntilWritableSlow(ref attempt, descriptor, wait, closing);
    }

    /// <summary>The rest of <see cref="UntilWritable"/>, after the first attempt.</summary>
    internal static bool UntilWritableSlow<T>(ref T attempt, SafeDescriptor descriptor, in WaitOptions wait, CancellationToken closing)
        where T : struct, IAttempt
    {
        while (true)
        {
            ThrowIfOver(wait.Cancellation, closing);
            if (wait.Deadline.IsImmediate) return false;
            var ready = Poll(descriptor, PollEvents.Out, wait, closing);
            if (attempt.TryOnce()) return true;
            if (!ready) return false;
        }
    }

    /// <summary>Retries, with sched_yield(2) between, until the budget of <paramref name="adaptive"/> is used up.</summary>
    internal static bool Spin<T>(ref T attempt, ref AdaptiveWait adaptive)
        where T : struct, IAttempt
    {
        var budget = adaptive.Begin();
        if (budget == 0) return false;
        var start = Stopwatch.GetTimestamp();
        var first = true;
        while (true)
        {
            // If both sides share a core, the peer runs at once.
            var before = Stopwatch.GetTimestamp();
            _ = Libc.sched_yield();
            var after = Stopwatch.GetTimestamp();
            var sharedCore = after - before > AdaptiveWait.SharedCoreYield;
            if (!sharedCore) PauseSince(after, AdaptiveWait.Pause);
            if (attempt.TryOnce())
            {
                adaptive.Succeeded(first && sharedCore);
                return true;
            }
            if (after - start >= budget) break;
            first = false;
        }
        adaptive.Failed();
        return false;
    }

    /// <summary>Spins without an attempt.</summary>
    /// <param name="ticks">Stopwatch ticks; at most a few microseconds.</param>
    public static void Pause(long ticks) => PauseSince(Stopwatch.GetTimestamp(), ticks);

    private static void PauseSince(long start, long ticks)
    {
        // No pause instruction: in a virtual machine it may cost a VM exit.
        while (Stopwatch.GetTimestamp() - start < ticks)
        {
        }
    }

    /// <summary>Blocks until the descriptor is ready.</summary>
    /// <returns>False when the deadline passed. Errors and hang-ups count as ready: the operation itself reports them.</returns>
    public static bool Poll(SafeDescriptor descriptor, PollEvents events, in WaitOptions wait, CancellationToken closing = default)
    {
        // If another thread closes the handle, the descriptor stays open, and its number in use, until this wait ends.
        var held = false;
        try
        {
            descriptor.DangerousAddRef(ref held);
            var poll = new Libc.PollFd { Descriptor = descriptor.Number, Requested = events };
            return PollAny(new Span<Libc.PollFd>(ref poll), wait, closing) > 0;
        }
        finally
        {
            if (held) descriptor.DangerousRelease();
        }
    }

    /// <summary>Blocks until one of several descriptors is ready; the caller keeps them open.</summary>
    /// <returns>How many are ready; 0 when the deadline passed.</returns>
    public static int PollAny(Span<Libc.PollFd> descriptors, in WaitOptions wait, CancellationToken closing = default)
    {
        // A wait that cannot be ended needs no descriptor for that. The library's own threads wait so, and must not fail for lack of one.
        if (!wait.Cancellation.CanBeCanceled && !closing.CanBeCanceled) return PollAll(descriptors, descriptors, wait, closing);
        var wake = EventDescriptor.Current;
        var all = descriptors.Length < 64 ? stackalloc Libc.PollFd[descriptors.Length + 1] : new Libc.PollFd[descriptors.Length + 1];
        descriptors.CopyTo(all);
        all[^1] = new Libc.PollFd { Descriptor = wake.Descriptor, Requested = PollEvents.In };
        try
        {
            using var onCancel = wait.Cancellation.UnsafeRegister(static w => ((EventDescriptor)w!).Set(), wake);
            using var onClose = closing.UnsafeRegister(static w => ((EventDescriptor)w!).Set(), wake);
            return PollAll(all, descriptors, wait, closing);
        }
        finally
        {
            // Not before both registrations are gone: a late Set() would end the thread's next wait.
            if (wait.Cancellation.IsCancellationRequested || closing.IsCancellationRequested) wake.Reset();
        }
    }

    private static int PollAll(Span<Libc.PollFd> all, Span<Libc.PollFd> descriptors, in WaitOptions wait, CancellationToken closing)
    {
        fixed (Libc.PollFd* first = all)
        {
            while (true)
            {
                ThrowIfOver(wait.Cancellation, closing);
                var left = wait.Deadline.IsImmediate ? 0 : wait.Deadline.RemainingNanoseconds;
                var timespec = Libc.Timespec.FromNanoseconds(left);
                var ready = Libc.ppoll(first, (nuint)all.Length, left < 0 ? null : &timespec, null);
                if (ready < 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    if (errno == Errno.EINTR) continue;
                    throw IpcException.FromErrno("ppoll", errno, null);
                }
                ThrowIfOver(wait.Cancellation, closing);
                if (ready == 0) return 0;
                if (all != descriptors) all[..^1].CopyTo(descriptors);
                return ready;
            }
        }
    }

    /// <summary>Throws when the wait was cancelled or its object closed.</summary>
    internal static void ThrowIfOver(CancellationToken cancellation, CancellationToken closing)
    {
        cancellation.ThrowIfCancellationRequested();
        if (closing.IsCancellationRequested) throw new IpcException(IpcErrors.Closed, "The object was closed during the wait.");
    }
}
