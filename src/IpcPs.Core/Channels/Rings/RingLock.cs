namespace IpcPs.Channels;

/// <summary>The lock of a ring's side: a word that has the owner's token. Whoever finds the owner dead takes the lock from it; as every operation commits with one store,
/// there is nothing to repair then.</summary>
/// <remarks>A token is alive as long as its participant's lock on a byte of the file exists (<see cref="RingFile"/>). The kernel gives that up after the
/// process's memory is gone, so an owner that is found dead writes no more. A token is not given again while a lock has it. One
/// thread of a participant at a time uses a lock (<see cref="Gate"/>).</remarks>
internal static class RingLock
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes the lock.</summary>
    /// <returns>Done or TimedOut.</returns>
    public static RingOutcome Enter<TMemory>(ref TMemory memory, int field, in RingWait wait)
        where TMemory : struct, IRingMemory =>
        memory.CompareExchange(field, memory.Token, 0) == 0 ? RingOutcome.Done : EnterSlow(ref memory, field, wait);

    /// <summary>Gives the lock back. Nothing before it is done after it, and nothing after it before.</summary>
    /// <returns>False where it wasn't ours any more: somebody damages the ring.</returns>
    public static bool Leave<TMemory>(ref TMemory memory, int field)
        where TMemory : struct, IRingMemory
    {
        var was = memory.Exchange(field, 0);
        if (was == memory.Token) return true;
        if ((was & RingLayout.Contended) != 0) memory.Wake(field, 1);
        return (was & ~RingLayout.Contended) == memory.Token;
    }

    private static RingOutcome EnterSlow<TMemory>(ref TMemory memory, int field, in RingWait wait)
        where TMemory : struct, IRingMemory
    {
        for (var spins = memory.LockSpins; spins > 0; spins--)
        {
            memory.Pause();
            if (memory.ReadWord(field) == 0 && memory.CompareExchange(field, memory.Token, 0) == 0) return RingOutcome.Done;
        }
        // From here on the mark is set with whatever we store: others may sleep on the lock that we know nothing of.
        var ours = memory.Token | RingLayout.Contended;
        // A lock is held for microseconds. Who does not want to wait for a message, or for room, waits for that nevertheless.
        var patience = wait.Deadline.IsImmediate ? new RingWait(Deadline.After(Patience), wait.Cancellation) : wait;
        for (var round = 0; ; round++)
        {
            var found = memory.ReadWord(field);
            var owner = found & ~RingLayout.Contended;
            if (owner == 0 || owner == memory.Token || !memory.IsAlive(owner))
            {
                if (memory.CompareExchange(field, ours, found) == found) return RingOutcome.Done;
                continue;
            }
            var marked = found | RingLayout.Contended;
            if (found != marked && memory.CompareExchange(field, marked, found) != found) continue;
            if (memory.Nap(field, marked, round, patience)) continue;
            // The wake that was meant for us, if there was one, is the next one's.
            memory.Wake(field, 1);
            return RingOutcome.TimedOut;
        }
    }
}
