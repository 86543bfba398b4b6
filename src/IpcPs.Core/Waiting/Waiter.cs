using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>The one place that waits. Every wait has a deadline, ends when its token is cancelled or its object is closed, retries
/// EINTR against the same deadline, and uses no CPU while blocked.</summary>
/// <remarks>Calls: ppoll(2) on the descriptor and the thread's eventfd(2); sched_yield(2) while it spins.</remarks>
internal static unsafe partial class Waiter
{
    /// <summary>Tries to receive until something is there: at once, then spinning for as long as that pays, then blocked in ppoll(2).</summary>
    /// <param name="attempt">The operation.</param>
    /// <param name="descriptor">The descriptor to poll.</param>
    /// <param name="spin">The state that says whether spinning pays; kept by the channel.</param>
    /// <param name="wait">Until when to wait, and what cancels the wait.</param>
    /// <param name="closing">Cancelled when the object is closed: <see cref="IpcErrors.Closed"/>.</param>
    /// <returns>False when the deadline passed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Until<T>(ref T attempt, SafeDescriptor descriptor, ref AdaptiveWait spin, in WaitOptions wait, CancellationToken closing = default)
        where T : struct, IAttempt
    {
        return TryFirst(ref attempt, ref spin) || UntilSlow(ref attempt, descriptor, ref spin, wait, closing);
    }

    /// <summary>The first attempt of a receive, which may yield first: see <see cref="AdaptiveWait.YieldsFirst"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool TryFirst<T>(ref T attempt, ref AdaptiveWait spin)
        where T : struct, IAttempt
    {
        var yielded = spin.YieldsFirst;
        if (yielded) _ = Libc.sched_yield();
        if (!attempt.TryOnce()) return false;
        // After a yield nobody can tell whether the message was there before it.
        if (!yielded) spin.WasReady();
        return true;
    }

    /// <summary>The rest of <see cref="Until"/>, for who has tried once already.</summary>
    internal static bool UntilSlow<T>(ref T attempt, SafeDescriptor descriptor, ref AdaptiveWait spin, in WaitOptions wait, CancellationToken closing)
        where T : struct, IAttempt
    {
        while (true)
        {
            ThrowIfOver(wait.Cancellation, closing);
            if (wait.Deadline.IsImmediate) return false;
            if (Spin(ref attempt, ref spin)) return true;
            var blockedAt = Stopwatch.GetTimestamp();
            var ready = Poll(descriptor, PollEvents.In, wait, closing);
            spin.Blocked(Stopwatch.GetTimestamp() - blockedAt);
            if (attempt.TryOnce()) return true;
            if (!ready) return false;
        }
    }

    /// <summary>Tries to send until there is room: at once, then blocked in ppoll(2). No spinning: the peer has a full buffer to read before it misses anything, and
    /// a sender that fills each place as it becomes free is the slower for it.</summary>
    /// <param name="attempt">The operation.</param>
    /// <param name="descriptor">The descriptor to poll.</param>
    /// <param name="wait">Until when to wait, and what cancels the wait.</param>
    /// <param name="closing">Cancelled when the object is closed: <see cref="IpcErrors.Closed"/>.</param>
    /// <returns>False when the deadline passed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool UntilRoom<T>(ref T attempt, SafeDescriptor descriptor, in WaitOptions wait, CancellationToken closing = default)
        where T : struct, IAttempt
    {
        return attempt.TryOnce() || UntilRoomSlow(ref attempt, descriptor, wait, closing);
    }

    /// <summary>The rest of <see cref="UntilRoom"/>, for who has tried once already.</summary>
    internal static bool UntilRoomSlow<T>(ref T attempt, SafeDescriptor descriptor, in WaitOptions wait, CancellationToken closing)
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

    /// <summary>Retries with sched_yield(2) between, for as long as <paramref name="spin"/> says that it pays.</summary>
    internal static bool Spin<T>(ref T attempt, ref AdaptiveWait spin)
        where T : struct, IAttempt
    {
        var budget = spin.Begin();
        if (budget == 0) return false;
        var start = Stopwatch.GetTimestamp();
        var first = true;
        while (true)
        {
            // The yield is what makes this harmless where both sides share a core: the peer runs at once.
            var before = Stopwatch.GetTimestamp();
            _ = Libc.sched_yield();
            var after = Stopwatch.GetTimestamp();
            var sharedCore = after - before > AdaptiveWait.OthersRan;
            if (!sharedCore) PauseSince(after, AdaptiveWait.Pause);
            if (attempt.TryOnce())
            {
                spin.Succeeded(first && sharedCore);
                return true;
            }
            if (after - start >= budget) break;
            first = false;
        }
        spin.Failed();
        return false;
    }

    /// <summary>Stays away for a moment, awake.</summary>
    /// <param name="ticks">Stopwatch ticks, a few microseconds of them.</param>
    public static void Pause(long ticks) => PauseSince(Stopwatch.GetTimestamp(), ticks);

    private static void PauseSince(long start, long ticks)
    {
        // No pause instruction: under virtualization it may cost an exit.
        while (Stopwatch.GetTimestamp() - start < ticks)
        {
        }
    }

    /// <summary>Blocks until the descriptor is ready.</summary>
    /// <returns>False when the deadline passed. Errors and hang-ups count as ready: the operation itself reports them best.</returns>
    public static bool Poll(SafeDescriptor descriptor, PollEvents events, in WaitOptions wait, CancellationToken closing = default)
    {
        // Keeps the number ours while we wait on it: a close on another thread is carried out after.
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

    /// <summary>Blocks until one of several descriptors is ready; the caller keeps them open meanwhile.</summary>
    /// <returns>How many are ready; 0 when the deadline passed.</returns>
    public static int PollAny(Span<Libc.PollFd> descriptors, in WaitOptions wait, CancellationToken closing = default)
    {
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
            // Only now, with both registrations gone, can no late Set() leak into the thread's next wait.
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
                all[..^1].CopyTo(descriptors);
                return ready;
            }
        }
    }

    /// <summary>Throws when the wait must not go on.</summary>
    internal static void ThrowIfOver(CancellationToken cancellation, CancellationToken closing)
    {
        cancellation.ThrowIfCancellationRequested();
        if (closing.IsCancellationRequested) throw new IpcException(IpcErrors.Closed, "The object was closed while it was waited for.");
    }
}
