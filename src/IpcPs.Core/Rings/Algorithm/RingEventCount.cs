using System.Runtime.CompilerServices;

namespace IpcPs.Rings.Algorithm;

/// <summary>An event count: lets one side sleep until the other has changed something, without a system call while no thread sleeps. The
/// word is odd while a thread may sleep on it. A sleeper makes the word odd, checks once more, and sleeps while the word has exactly that
/// value. A thread that has changed something reads the word; if it is odd, it makes it even and wakes all sleepers. A sleeper's value
/// never comes back. A sleeper that died causes no more than one useless wake.</summary>
/// <remarks>There is no fence between a change and the read of the word after it: with one, each message would wait until it has reached
/// the cache, line by line. So a change may still be in the store buffer, unseen by the sleeper, when its thread finds the word even. For
/// that reason the first sleep after an announcement is short. When it ends, a change whose thread did not see the announcement has become
/// visible.</remarks>
internal static class RingEventCount
{
    /// <summary>Announces that this thread may sleep.</summary>
    /// <returns>The ticket: the value of the word to sleep on, if a check after this call finds nothing.</returns>
    public static uint Announce<TMemory>(ref TMemory memory, int field)
        where TMemory : struct, IRingMemory
    {
        while (true)
        {
            var value = memory.ReadWord(field);
            if ((value & 1) == 0 && memory.CompareExchange(field, value + 1, value) != value) continue;
            memory.Settle();
            return value | 1;
        }
    }

    /// <summary>Whether a thread may sleep. Call it after the change.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasSleepers<TMemory>(ref TMemory memory, int field)
        where TMemory : struct, IRingMemory => (memory.ReadWord(field) & 1) != 0;

    /// <summary>Wakes all sleepers. Call it after the change.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WakeAll<TMemory>(ref TMemory memory, int field)
        where TMemory : struct, IRingMemory
    {
        var value = memory.ReadWord(field);
        if ((value & 1) != 0) WakeSlow(ref memory, field, value);
    }

    private static void WakeSlow<TMemory>(ref TMemory memory, int field, uint value)
        where TMemory : struct, IRingMemory
    {
        // If another thread has changed the word first, that thread wakes the sleepers.
        if (memory.CompareExchange(field, value + 1, value) == value) memory.Wake(field, int.MaxValue);
    }
}
