namespace IpcPs.Rings.Algorithm;

/// <summary>The lock of a ring's side: a word that has the owner's token. Whoever finds the owner dead takes the lock from it; as every operation commits with one store,
/// there is nothing to repair then.</summary>
/// <remarks>A token is alive as long as its participant's lock on a byte of the file exists (<see cref="RingFile"/>). The kernel gives that up after the
/// process's memory is gone, so an owner that is found dead writes no more. A token is not given again while a lock has it. One
/// thread of a participant at a time uses a lock (<see cref="DeadlineLock"/>).</remarks>
internal static class RingLock
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes the lock.</summary>
    /// <returns>Done or TimedOut.</returns>
    public static RingOutcome Enter<TMemory>(ref TMemory memory, int field, in WaitOptions wait)
        where TMemory : struct, IRingMemory =>
        memory.CompareExchange(field, memory.Token, 0) == 0 ? RingOutcome.Done : EnterSlow(ref memory, field, wait);

    /// <summary>Gives the lock back. Nothing before it is done after it. A store like any other: a locked instruction would wait until all that was written is in the cache, line by line.</summary>
    /// <returns>False where it wasn't ours any more: somebody damages the ring.</returns>
    public static bool Leave<TMemory>(ref TMemory memory, int field)
        where TMemory : struct, IRingMemory
    {
        // While its owner lives, nobody else writes the word.
        if (memory.ReadWord(field) != memory.Token) return false;
        memory.WriteWord(field, 0);
        RingEventCount.All(ref memory, RingLayout.LockSleepers(field));
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
        // A lock is held for microseconds. Who does not want to wait for a message, or for room, waits for that nevertheless.
        var patience = wait.Deadline.IsImmediate ? new WaitOptions(Deadline.After(Patience), wait.Cancellation) : wait;
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
            else if (memory.SleepBriefly(RingLayout.LockSleepers(field), ticket, round++, patience))
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
