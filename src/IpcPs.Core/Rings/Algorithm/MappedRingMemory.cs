using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace IpcPs.Rings.Algorithm;

/// <summary>The ring's steps over mapped memory. No position, whatever a damaged ring says, leads out of the mapping: it is cut to the ring, and behind the ring it is
/// mapped once more.</summary>
internal readonly unsafe struct MappedRingMemory(RingParticipant participant, byte* start, long capacity, uint token) : IRingMemory
{
    private const int SpinsBeforeYield = 64;
    private const int SpinsForStream = 32;
    private const long Line = 64;

    // Of a record's position: it is a multiple of 8, so that its header is in one piece.
    private readonly long _recordMask = (capacity - 1) & ~7L;

    public long Capacity => capacity;

    public uint Token => token;

    public int SlotCount => RingLayout.SlotCount;

    public int LockSpins => 100;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long ReadLong(int field) => Volatile.Read(ref *(long*)(start + field));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteLong(int field, long value) => Volatile.Write(ref *(long*)(start + field), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint ReadWord(int field) => Volatile.Read(ref *(uint*)(start + field));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteWord(int field, uint value) => Volatile.Write(ref *(uint*)(start + field), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Exchange(int field, uint value) => Interlocked.Exchange(ref *(uint*)(start + field), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint CompareExchange(int field, uint value, uint expected) => Interlocked.CompareExchange(ref *(uint*)(start + field), value, expected);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fence() => Interlocked.MemoryBarrier();

    public void Settle()
    {
        // Left to RingParticipant.Sleep.
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadHeader(long position) => Volatile.Read(ref *(ulong*)Record(position));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteHeader(long position, ulong header) => *(ulong*)Record(position) = header;

    public void Claim(long from, long to)
    {
        // One store each: the lines are fetched side by side, and not one after the other when they are written.
        for (var line = (from + Line - 1) & -Line; line <= to - Line; line += Line) *(long*)Record(line) = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CopyIn(long position, ReadOnlySpan<byte> bytes) => bytes.CopyTo(new Span<byte>(At(position), bytes.Length));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CopyOut(long position, Span<byte> bytes) => new ReadOnlySpan<byte>(At(position), bytes.Length).CopyTo(bytes);

    public bool IsAlive(uint other) => participant.IsAlive(other);

    public bool HasWriters() => participant.HasWriters();

    public bool HasReaders() => participant.HasReaders();

    public void Pause() => Rest();

    public bool Linger(int field, long value, in WaitOptions wait)
    {
        Waiter.ThrowIfOver(wait.Cancellation, participant.Closing);
        ref var spin = ref participant.Spin(field == RingLayout.Tail);
        var budget = spin.Begin();
        if (budget == 0 || wait.Deadline.HasPassed) return false;
        // Without a look at the clock, which takes as long as a message.
        for (var i = 0; i < SpinsBeforeYield; i++)
        {
            if (HasChanged(field, value, soon: i < SpinsForStream, ref spin)) return true;
            if (i >= SpinsForStream) Rest();
        }
        var began = Stopwatch.GetTimestamp();
        do
        {
            // Where both sides share a core, this is what lets the other one go on.
            _ = Libc.sched_yield();
            for (var i = 0; i < SpinsBeforeYield; i++)
            {
                if (HasChanged(field, value, soon: false, ref spin)) return true;
                Rest();
            }
        }
        while (Stopwatch.GetTimestamp() - began < budget);
        spin.Failed();
        return false;
    }

    public bool Sleep(int field, uint expected, in WaitOptions wait) => participant.Sleep((uint*)(start + field), expected, field == RingLayout.DataSleepers, wait);

    public bool SleepBriefly(int field, uint expected, int round, in WaitOptions wait) => participant.SleepBriefly((uint*)(start + field), expected, round, wait);

    public void Wake(int field, int count) => Waiter.Wake((uint*)(start + field), count, isShared: true);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasChanged(int field, long value, bool soon, ref AdaptiveWait spin)
    {
        var now = ReadLong(field);
        if (now == value) return false;
        spin.Succeeded(sharedCore: false);
        if (field == RingLayout.Tail) GatherMessages(now, soon);
        else if (now - value < capacity / 8) Wait(RingReceiveCoalescing.ForRoom);
        return true;
    }

    // Whoever goes on at the first sign of the other side goes on for one message, and each message then costs both sides the trip of a cache line. So a writer that found the ring full
    // waits for room for many, and a reader whose writer is busy sending for a few messages; one that waits for an answer does not.
    private void GatherMessages(long tail, bool soon)
    {
        ref var patience = ref participant.Patience;
        var time = patience.Next(soon);
        if (time == 0) return;
        Wait(time);
        patience.Waited(more: ReadLong(RingLayout.Tail) != tail);
    }

    private static void Wait(long time)
    {
        var began = Stopwatch.GetTimestamp();
        do Rest();
        while (Stopwatch.GetTimestamp() - began < time);
    }

    private static void Rest()
    {
        if (X86Base.IsSupported) X86Base.Pause();
        else if (ArmBase.IsSupported) ArmBase.Yield();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Record(long position) => start + RingLayout.DataOffset + (position & _recordMask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* At(long position) => start + RingLayout.DataOffset + (position & (capacity - 1));
}
