namespace IpcPs.Rings.Algorithm;

/// <summary>The lock of a ring's writers or readers: a word with the owner's token. A participant that finds the owner dead takes the lock
/// over. Nothing needs a repair then, because every operation commits with one store.</summary>
/// <remarks>A token is alive while its participant has a lock on a byte of the file (<see cref="RingFile"/>). The kernel releases that lock
/// after the process's memory is gone, so an owner that is found dead writes no more. A token is not used again while a ring's lock has it.
/// One thread of a participant at a time uses a lock (<see cref="DeadlineLock"/>).</remarks>
internal static class RingLock
{
    private static readonly TimeSpan ImmediateTimeout = TimeSpan.FromMilliseconds(20);

    /// <summary>Acquires the lock.</summary>
    /// <returns>Done or TimedOut.</returns>
    public static RingOutcome Enter<TMemory>(ref TMemory memory, int field, in WaitOptions wait)
        where TMemory : struct, IRingMemory =>
        memory.CompareExchange(field, memory.Token, 0) == 0 ? RingOutcome.Done : EnterSlow(ref memory, field, wait);

    /// <summary>Releases the lock. No earlier access is done after it. It is an ordinary store: a locked instruction would wait until
    /// everything that was written has reached the cache, line by line.</summary>
    /// <returns>False if this participant no longer had the lock: another process has damaged the ring.</returns>
    public static bool Exit<TMemory>(ref TMemory memory, int field)
        where TMemory : struct, IRingMemory
    {
        // While the owner lives, no other participant writes the word.
        if (memory.ReadWord(field) != memory.Token) return false;
        memory.WriteWord(field, 0);
        RingEventCount.WakeAll(ref memory, RingLayout.LockSleepers(field));
        return true;
    }

    private static RingOutcome EnterSlow<TMemory>(ref TMemory memory, int field, in WaitOptions wait)
        where TMemory : struct, IRingMemory
    {
        for (var spins = memory.LockSpins; spins > 0; spins--)
        {
            memory.Pause();
            if (memory.ReadWord(field) == 0 && memory.CompareExchange(field, memory.Token, 0) == 0) return RingOutcome.Done;
        }
        // A lock is held for microseconds. A caller that does not wait for a message, or for buffer space, still waits for the lock.
        var lockWait = wait.Deadline.IsImmediate ? new WaitOptions(Deadline.After(ImmediateTimeout), wait.Cancellation) : wait;
        var ticket = 0u;
        for (var round = 0; ;)
        {
            var owner = memory.ReadWord(field);
            if (owner == 0 || owner == memory.Token || !memory.IsAlive(owner))
            {
                if (memory.CompareExchange(field, memory.Token, owner) == owner) return RingOutcome.Done;
            }
            else if (ticket == 0)
            {
                ticket = RingEventCount.Announce(ref memory, RingLayout.LockSleepers(field));
            }
            else if (memory.SleepBriefly(RingLayout.LockSleepers(field), ticket, round++, lockWait))
            {
                ticket = 0;
            }
            else
            {
                return RingOutcome.TimedOut;
            }
        }
    }
}
