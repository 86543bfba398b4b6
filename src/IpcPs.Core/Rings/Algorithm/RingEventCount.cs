using System.Runtime.CompilerServices;

namespace IpcPs.Rings.Algorithm;

/// <summary>Sleeping until the other side has done something, without a system call where nobody sleeps. The word is odd while somebody may sleep on it. A sleeper makes it
/// odd, looks once more and sleeps while the word has that very value; who has changed something looks at the word, makes it even, which
/// no sleeper's value ever is again, and wakes everybody. A sleeper that died leaves nothing behind but one wake too many.</summary>
/// <remarks>Between the change and the look there is no fence, which would have each message wait until it is in the cache, line by line: a change may still be in its maker's
/// store buffer, unseen, when he finds no sleeper. So the first sleep after an announcement is a short one. After it, whoever did not see the announcement has long been
/// seen himself.</remarks>
internal static class RingEventCount
{
    /// <summary>Says that we may sleep.</summary>
    /// <returns>The value at which to sleep, if a look after this call finds nothing.</returns>
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

    /// <summary>Wakes all sleepers, with the change made.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void All<TMemory>(ref TMemory memory, int field)
        where TMemory : struct, IRingMemory
    {
        var value = memory.ReadWord(field);
        if ((value & 1) != 0) Slow(ref memory, field, value);
    }

    private static void Slow<TMemory>(ref TMemory memory, int field, uint value)
        where TMemory : struct, IRingMemory
    {
        // Where another one was faster, the waking is its business.
        if (memory.CompareExchange(field, value + 1, value) == value) memory.Wake(field, int.MaxValue);
    }
}
