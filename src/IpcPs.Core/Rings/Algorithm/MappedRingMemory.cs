using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using IpcPs.SharedMemory;

namespace IpcPs.Rings.Algorithm;

/// <summary>The ring's steps over mapped memory. No position leads out of the mapping, whatever a damaged ring contains: the position is
/// masked to the ring's size, and the messages are mapped twice in a row.</summary>
internal readonly unsafe struct MappedRingMemory(RingParticipant participant, byte* start, long capacity, uint token) : IRingMemory
{
    private const int SpinsBeforeYield = 64;
    private const int SpinsForStream = 32;
    private const long Line = 64;

    // A record's position is a multiple of 8, so that its header is read in one piece.
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
    public uint CompareExchange(int field, uint value, uint expected) =>
        Interlocked.CompareExchange(ref *(uint*)(start + field), value, expected);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fence() => Interlocked.MemoryBarrier();

    public void Settle()
    {
        // RingParticipant.Sleep does it: the first sleep is short.
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadHeader(long position) => Volatile.Read(ref *(ulong*)Record(position));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteHeader(long position, ulong header) => *(ulong*)Record(position) = header;

    public void Claim(long from, long to)
    {
        // One store to each line. So the lines are fetched in parallel, and not one after the other when they are written.
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

    public bool SpinWait(int field, long value, in WaitOptions wait)
    {
        Waiter.ThrowIfOver(wait.Cancellation, participant.Closing);
        ref var adaptive = ref participant.WaitState(field == RingLayout.Tail);
        var budget = adaptive.Begin();
        if (budget == 0 || wait.Deadline.HasPassed) return false;
        // The first spins do not read the clock, which takes as long as a message.
        for (var i = 0; i < SpinsBeforeYield; i++)
        {
            if (HasChanged(field, value, soon: i < SpinsForStream, ref adaptive)) return true;
            if (i >= SpinsForStream) Rest();
        }
        var began = Stopwatch.GetTimestamp();
        do
        {
            // If both sides share a core, this lets the other one run.
            _ = Libc.sched_yield();
            for (var i = 0; i < SpinsBeforeYield; i++)
            {
                if (HasChanged(field, value, soon: false, ref adaptive)) return true;
                Rest();
            }
        }
        while (Stopwatch.GetTimestamp() - began < budget);
        adaptive.Failed();
        return false;
    }

    public bool Sleep(int field, uint expected, in WaitOptions wait) =>
        participant.Sleep((uint*)(start + field), expected, field == RingLayout.DataSleepers, wait);

    public bool SleepBriefly(int field, uint expected, int round, in WaitOptions wait) =>
        participant.SleepBriefly((uint*)(start + field), expected, round, wait);

    public void Wake(int field, int count) => Waiter.Wake((uint*)(start + field), count, isShared: true);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasChanged(int field, long value, bool soon, ref AdaptiveWait adaptive)
    {
        var now = ReadLong(field);
        if (now == value) return false;
        adaptive.Succeeded(sharedCore: false);
        if (field == RingLayout.Tail) GatherMessages(now, soon);
        else if (now - value < capacity / 8) Wait(RingReceiveCoalescing.ForSpace);
        return true;
    }

    // A side that goes on at the first change goes on for one message, and then each message costs both sides the transfer of a cache line.
    // So a writer that found the ring full waits until there is space for many messages, and a reader whose writer is sending many waits
    // for a few. A reader that waits for one answer does not.
    private void GatherMessages(long tail, bool soon)
    {
        ref var coalescing = ref participant.Coalescing;
        var time = coalescing.Next(soon);
        if (time == 0) return;
        Wait(time);
        coalescing.Waited(more: ReadLong(RingLayout.Tail) != tail);
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

/// <summary>How long a reader that has caught up with its writer waits after the next message has come, so that more can gather. Messages
/// that come right after each other are a stream: the reader lets a few gather, and more from time to time. If none gather, the message was
/// an answer that the reader waited for, and the next ones are received at once.</summary>
/// <remarks>Not synchronized: a torn update costs a microsecond.</remarks>
internal struct RingReceiveCoalescing
{
    /// <summary>Stopwatch ticks that a writer waits after a full ring has got space, so that more space can gather. No process waits for it
    /// then.</summary>
    public static readonly long ForSpace = Stopwatch.Frequency / 250_000;      // 4 us

    private const int MaxSkips = 4096;

    private static readonly long MinTicks = Stopwatch.Frequency / 10_000_000;  // 100 ns
    private static readonly long MaxTicks = Stopwatch.Frequency / 1_250_000;   // 800 ns

    private long _ticks;
    private int _skips;
    private int _skipsLeft;

    /// <summary>Stopwatch ticks to wait; 0 not to wait.</summary>
    /// <param name="soon">Whether the message came right after the one before it.</param>
    public long Next(bool soon)
    {
        if (!soon) return _ticks = 0;
        if (_skipsLeft > 0)
        {
            _skipsLeft--;
            return 0;
        }
        return _ticks = Math.Min(MaxTicks, Math.Max(MinTicks, _ticks * 2));
    }

    /// <summary>Learns from a wait.</summary>
    /// <param name="more">Whether more messages gathered.</param>
    public void Waited(bool more)
    {
        _skips = more ? 0 : Math.Min(MaxSkips, Math.Max(1, _skips * 2));
        _skipsLeft = _skips;
        if (!more) _ticks = 0;
    }
}

/// <summary>A ring's file in this process's address space. The messages are mapped twice in a row. So a message that wraps around the end
/// of the ring is in one piece, and a wrong length in a damaged ring, up to the ring's size, stays within the mapping.</summary>
internal sealed class RingMapping : MappedRegion
{
    // Up to this capacity all pages are mapped at once; above it, each when it is used first.
    private const long MaxPopulated = 4 * 1024 * 1024;

    private RingMapping(nint address, long length) : base(address, length, isReadOnly: false, isGuarded: true)
    {
    }

    /// <summary>Maps the file of a ring with that capacity.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no address space.</exception>
    public static unsafe RingMapping Map(SafeDescriptor descriptor, long capacity, string target)
    {
        var once = RingLayout.DataOffset + capacity;
        var total = once + capacity;
        var start = (byte*)Libc.mmap(null, (nuint)total, 0, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS, -1, 0);
        if (start == Libc.MAP_FAILED) throw IpcException.FromErrno("mmap", Marshal.GetLastPInvokeError(), target);
        const int Access = Libc.PROT_READ | Libc.PROT_WRITE;
        var flags = Libc.MAP_SHARED | Libc.MAP_FIXED | (capacity <= MaxPopulated ? Libc.MAP_POPULATE : 0);
        if (Libc.mmap(start, (nuint)once, Access, flags, descriptor, 0) == Libc.MAP_FAILED
            || Libc.mmap(start + once, (nuint)capacity, Access, flags, descriptor, RingLayout.DataOffset) == Libc.MAP_FAILED)
        {
            var errno = Marshal.GetLastPInvokeError();
            _ = Libc.munmap(start, (nuint)total);
            throw IpcException.FromErrno("mmap", errno, target);
        }
        return new RingMapping((nint)start, total);
    }
}
