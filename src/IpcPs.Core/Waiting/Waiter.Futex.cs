using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>Waits on a word of memory (futex(2)).</summary>
internal static unsafe partial class Waiter
{
    /// <summary>Blocks while a 32-bit word has a value.</summary>
    /// <remarks>May return early, as any futex wait may: the caller reads the word again. If the protocol wakes one waiter at a time, a
    /// wait that ends with an exception may have consumed the next waiter's wake: the caller passes it on with
    /// <see cref="Wake(uint*, int, bool)"/>. A cancelled token wakes the word until the waiter has left; other waiters of the word may
    /// see a spurious wake. Calls: futex(2), FUTEX_WAIT_BITSET with an absolute timeout.</remarks>
    /// <param name="word">The word, aligned to 4 bytes; the caller keeps it mapped.</param>
    /// <param name="expected">The value of the word at which to block.</param>
    /// <param name="isShared">Whether other processes map the word too.</param>
    /// <param name="wait">How long to block, and what cancels it.</param>
    /// <param name="closing">Cancelled when the object is closed: <see cref="IpcErrors.Closed"/>.</param>
    /// <returns>False when the deadline passed; true when it was woken, or the word has another value.</returns>
    public static bool WhileEqual(uint* word, uint expected, bool isShared, in WaitOptions wait, CancellationToken closing = default)
    {
        ThrowIfOver(wait.Cancellation, closing);
        if (Volatile.Read(ref *word) != expected) return true;
        if (wait.Deadline.IsImmediate) return false;
        var call = new FutexWait(word, isShared);
        bool woken;
        using (wait.Cancellation.UnsafeRegister(ThreadInterruption.Callback, call))
        using (closing.UnsafeRegister(ThreadInterruption.Callback, call))
        {
            try
            {
                woken = call.Block(expected, wait, closing);
            }
            finally
            {
                // Before the registrations are disposed, which waits for a callback that is running.
                call.Leave();
            }
        }
        ThrowIfOver(wait.Cancellation, closing);
        return woken;
    }

    /// <summary>Wakes up to <paramref name="count"/> threads that wait on a word.</summary>
    /// <returns>How many were woken.</returns>
    public static int Wake(uint* word, int count, bool isShared) => Wake(word, count, isShared, Libc.FUTEX_BITSET_MATCH_ANY);

    private static int Wake(uint* word, int count, bool isShared, uint bits) =>
        (int)Libc.futex(word, Libc.FUTEX_WAKE_BITSET | (isShared ? 0 : Libc.FUTEX_PRIVATE_FLAG), (uint)count, null, bits);

    private sealed class FutexWait(uint* word, bool isShared) : ThreadInterruption
    {
        // Each thread has one of 32 bits: an interruption wakes few other waiters of the word.
        private readonly uint _bit = 1u << (Environment.CurrentManagedThreadId & 31);

        public bool Block(uint expected, in WaitOptions wait, CancellationToken closing)
        {
            var at = default(Libc.Timespec);
            // Absolute, so that no retry lengthens the wait.
            if (!wait.Deadline.IsInfinite) at = Libc.Timespec.FromNanoseconds(wait.Deadline.MonotonicNanoseconds);
            var operation = Libc.FUTEX_WAIT_BITSET | (isShared ? 0 : Libc.FUTEX_PRIVATE_FLAG);
            while (true)
            {
                ThrowIfOver(wait.Cancellation, closing);
                if (Libc.futex(word, operation, expected, wait.Deadline.IsInfinite ? null : &at, _bit) == 0) return true;
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

        protected override void InterruptOnce() => _ = Wake(word, int.MaxValue, isShared, _bit);
    }
}
