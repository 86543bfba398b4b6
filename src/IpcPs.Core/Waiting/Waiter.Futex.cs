using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>Waits on a word of memory (futex(2)).</summary>
internal static unsafe partial class Waiter
{
    /// <summary>Blocks while a 32-bit word has a value.</summary>
    /// <remarks>May return early, as any futex wait may: the caller looks at the word again. Where the protocol wakes one waiter at a time, a wait that ends by
    /// an exception may have swallowed a wake that was meant for the next one: the caller passes it on with <see cref="Wake(uint*, int, bool)"/>.
    /// A cancelled token ends the wait by waking the word until the waiter has left; others who wait on it see a wake without a reason.
    /// Calls: futex(2), FUTEX_WAIT_BITSET with an absolute time-out.</remarks>
    /// <param name="word">The word, aligned to 4; the caller keeps it mapped.</param>
    /// <param name="expected">The value at which to wait.</param>
    /// <param name="isShared">Whether other processes see the word, through memory that they map too.</param>
    /// <param name="wait">Until when to wait, and what cancels the wait.</param>
    /// <param name="closing">The object's token: <see cref="IpcErrors.Closed"/>.</param>
    /// <returns>False when the deadline passed; true when it was woken, or the word has another value.</returns>
    public static bool WhileEqual(uint* word, uint expected, bool isShared, in WaitOptions wait, CancellationToken closing = default)
    {
        ThrowIfOver(wait.Cancellation, closing);
        if (Volatile.Read(ref *word) != expected) return true;
        if (wait.Deadline.IsImmediate) return false;
        var call = new FutexWait(word, isShared);
        bool woken;
        using (wait.Cancellation.UnsafeRegister(static w => ((FutexWait)w!).Interrupt(), call))
        using (closing.UnsafeRegister(static w => ((FutexWait)w!).Interrupt(), call))
        {
            try
            {
                woken = call.Block(expected, wait, closing);
            }
            finally
            {
                // Before the registrations are disposed, which wait for a callback that is running.
                call.Leave();
            }
        }
        ThrowIfOver(wait.Cancellation, closing);
        return woken;
    }

    /// <summary>Wakes up to <paramref name="count"/> waiters of a word.</summary>
    /// <returns>How many were woken.</returns>
    public static int Wake(uint* word, int count, bool isShared) => Wake(word, count, isShared, Libc.FUTEX_BITSET_MATCH_ANY);

    private static int Wake(uint* word, int count, bool isShared, uint bits) =>
        (int)Libc.futex(word, Libc.FUTEX_WAKE_BITSET | (isShared ? 0 : Libc.FUTEX_PRIVATE_FLAG), (uint)count, null, bits);

    private sealed class FutexWait(uint* word, bool isShared) : ThreadInterruption
    {
        // One bit of 32 by thread: an interruption passes most other waiters of the word by.
        private readonly uint _bit = 1u << (Environment.CurrentManagedThreadId & 31);

        public bool Block(uint expected, in WaitOptions wait, CancellationToken closing)
        {
            var at = default(Libc.Timespec);
            // Stopwatch counts CLOCK_MONOTONIC's nanoseconds; made absolute once, so that no retry lengthens the wait.
            if (!wait.Deadline.IsInfinite) at = Libc.Timespec.FromNanoseconds(wait.Deadline.MonotonicNanoseconds);
            while (true)
            {
                ThrowIfOver(wait.Cancellation, closing);
                if (Libc.futex(word, Libc.FUTEX_WAIT_BITSET | (isShared ? 0 : Libc.FUTEX_PRIVATE_FLAG), expected, wait.Deadline.IsInfinite ? null : &at, _bit) == 0) return true;
                var errno = Marshal.GetLastPInvokeError();
                switch (errno)
                {
                    case Errno.EAGAIN: return true;
                    case Errno.EINTR: continue;
                    case Errno.ETIMEDOUT: return false;
                    default: throw IpcException.FromErrno("futex", errno, null);
                }
            }
        }

        protected override void Poke() => _ = Wake(word, int.MaxValue, isShared, _bit);
    }
}
