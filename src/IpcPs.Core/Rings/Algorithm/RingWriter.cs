using System.Runtime.CompilerServices;

namespace IpcPs.Rings.Algorithm;

/// <summary>The writers' side of a ring. A writer writes a message after the tail and commits it by moving the tail, with one store. If it
/// dies before that store, it has sent nothing; if it dies after it, it has sent the whole message. One thread at a time uses it, and the
/// writers' lock admits one participant.</summary>
internal struct RingWriter<TMemory>(TMemory memory, RingDelivery delivery)
    where TMemory : struct, IRingMemory
{
    /// <summary>How many bytes after a small message are claimed.</summary>
    private const int ClaimedAhead = 512;

    private TMemory _memory = memory;

    // Everything before it may be overwritten. The shared position only moves forward, so an old value costs one more read and no more.
    private long _free;

    // The cache lines up to here were claimed.
    private long _claimed;

    // The field that shows when there is buffer space, and its value: the position of the slowest reader.
    private int _blockedBy = RingLayout.Head;
    private long _blockedAt;

    /// <summary>Sends one message of two parts.</summary>
    /// <returns>Done, TimedOut, NoPeers (no buffer space, and the last reader has detached) or Damaged.</returns>
    public RingOutcome Send(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> payload, bool waitsForReaders, in WaitOptions wait)
    {
        var ticket = 0u;
        while (true)
        {
            var outcome = TrySend(prefix, payload, wait);
            if (outcome != RingOutcome.WouldWait) return outcome;
            outcome = AwaitSpace(ref ticket, waitsForReaders, wait);
            if (outcome != RingOutcome.Done) return outcome;
        }
    }

    /// <summary>Sends consecutive records (header, payload, padding), as many at once as fit.</summary>
    /// <param name="records">The records. Those that were sent are removed from the front.</param>
    /// <param name="waitsForReaders">Whether to wait for the next reader after the last one has detached.</param>
    /// <param name="wait">How long to wait for buffer space.</param>
    /// <returns>As <see cref="Send"/>.</returns>
    public RingOutcome SendMany(ref ReadOnlySpan<byte> records, bool waitsForReaders, in WaitOptions wait)
    {
        var ticket = 0u;
        while (true)
        {
            var outcome = TrySendMany(ref records, wait);
            if (outcome != RingOutcome.WouldWait) return outcome;
            outcome = AwaitSpace(ref ticket, waitsForReaders, wait);
            if (outcome != RingOutcome.Done) return outcome;
        }
    }

    /// <summary>Adds a reader of a broadcast, which gets the messages that are sent from now on. It begins at the tail, in a
    /// <see cref="RingDelivery.BroadcastHold"/> ring with a slot of its own.</summary>
    /// <param name="slot">The slot; -1 if the ring has none; <see cref="RingLayout.SlotCount"/> if no slot is free.</param>
    /// <param name="cursor">The first message's position.</param>
    /// <param name="number">The first message's number.</param>
    /// <param name="wait">How long to wait for the lock.</param>
    public RingOutcome AddReader(out int slot, out long cursor, out uint number, in WaitOptions wait)
    {
        (slot, cursor, number) = (-1, 0, 0);
        var entered = RingLock.Enter(ref _memory, RingLayout.WriterLock, wait);
        if (entered != RingOutcome.Done) return entered;
        cursor = _memory.ReadLong(RingLayout.Tail);
        number = (uint)(_memory.ReadHeader(cursor) >> 32);
        if (delivery == RingDelivery.BroadcastHold)
        {
            slot = 0;
            while (slot < _memory.SlotCount && !IsVacant(slot)) slot++;
            if (slot < _memory.SlotCount)
            {
                // The cursor is written before the token. A reader that dies between the two blocks no writer.
                _memory.WriteLong(RingLayout.Slot(slot) + RingLayout.SlotCursor, cursor);
                _memory.WriteWord(RingLayout.Slot(slot) + RingLayout.SlotToken, _memory.Token);
            }
        }
        return RingLock.Exit(ref _memory, RingLayout.WriterLock) ? RingOutcome.Done : RingOutcome.Damaged;
    }

    private RingOutcome TrySend(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> payload, in WaitOptions wait)
    {
        var entered = RingLock.Enter(ref _memory, RingLayout.WriterLock, wait);
        if (entered != RingOutcome.Done) return entered;
        var tail = _memory.ReadLong(RingLayout.Tail);
        var length = prefix.Length + payload.Length;
        var outcome = MakeSpace(tail, RingLayout.RecordSize(length));
        if (outcome == RingOutcome.Done)
        {
            var end = Write(tail, prefix, payload);
            _memory.WriteLong(RingLayout.Tail, end);
            if (end > _claimed) ClaimAhead(tail, end);
        }
        if (!RingLock.Exit(ref _memory, RingLayout.WriterLock)) return RingOutcome.Damaged;
        if (outcome == RingOutcome.Done) RingEventCount.WakeAll(ref _memory, RingLayout.DataSleepers);
        return outcome;
    }

    private RingOutcome TrySendMany(ref ReadOnlySpan<byte> records, in WaitOptions wait)
    {
        var entered = RingLock.Enter(ref _memory, RingLayout.WriterLock, wait);
        if (entered != RingOutcome.Done) return entered;
        var start = _memory.ReadLong(RingLayout.Tail);
        var tail = start;
        var outcome = RingOutcome.Done;
        while (records.Length > 0)
        {
            var length = Unsafe.ReadUnaligned<int>(ref Unsafe.AsRef(in records[0]));
            var size = (int)RingLayout.RecordSize(length);
            outcome = MakeSpace(tail, size);
            if (outcome != RingOutcome.Done) break;
            tail = Write(tail, default, records.Slice(RingLayout.RecordHeader, length));
            records = records[size..];
        }
        if (tail != start) _memory.WriteLong(RingLayout.Tail, tail);
        if (!RingLock.Exit(ref _memory, RingLayout.WriterLock)) return RingOutcome.Damaged;
        if (tail != start) RingEventCount.WakeAll(ref _memory, RingLayout.DataSleepers);
        return outcome;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long Write(long tail, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> payload)
    {
        var length = prefix.Length + payload.Length;
        var end = tail + RingLayout.RecordSize(length);
        // A broadcast that drops messages numbers them, so that a reader knows how many it lost. The next message's number is stored after
        // the end, where its header will be. So the number and the tail are always committed together.
        var number = 0u;
        if (delivery == RingDelivery.BroadcastDropOldest)
        {
            number = (uint)(_memory.ReadHeader(tail) >> 32);
            _memory.WriteHeader(end, (ulong)(number + 1) << 32);
        }
        _memory.WriteHeader(tail, (uint)length | ((ulong)number << 32));
        if (prefix.Length > 0) _memory.CopyIn(tail + RingLayout.RecordHeader, prefix);
        _memory.CopyIn(tail + RingLayout.RecordHeader + prefix.Length, payload);
        return end;
    }

    /// <summary>Claims the cache lines of the next messages. Releasing the lock waits until all stores are done, and before a store the
    /// processor must fetch the line from the reader's cache: some 50 ns for each message. Lines that are fetched together cost
    /// less.</summary>
    private void ClaimAhead(long tail, long end)
    {
        if (end - tail > ClaimedAhead) return;
        // After the number that is stored at the end, and not beyond the free bytes.
        _claimed = Math.Min(end + ClaimedAhead, _free + _memory.Capacity);
        _memory.Claim(end + RingLayout.RecordHeader, _claimed);
    }

    /// <summary>Whether a record and the number after it fit. In a <see cref="RingDelivery.BroadcastDropOldest"/> ring they always
    /// do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RingOutcome MakeSpace(long tail, long size)
    {
        // Unsigned, so that even in a damaged ring only bytes are written that are free, and within the ring's size.
        var used = tail - _free;
        if ((ulong)used <= (ulong)(_memory.Capacity - size - RingLayout.RecordHeader)) return RingOutcome.Done;
        return MakeSpaceSlow(tail, size + RingLayout.RecordHeader);
    }

    private RingOutcome MakeSpaceSlow(long tail, long size)
    {
        if ((tail & 7) != 0) return RingOutcome.Damaged;
        var outcome = delivery switch
        {
            RingDelivery.Queue => FindHead(tail),
            RingDelivery.BroadcastHold => FindSlowest(tail, size),
            _ => DropOldest(tail, size),
        };
        if (outcome != RingOutcome.Done) return outcome;
        return tail - _free <= _memory.Capacity - size ? RingOutcome.Done : RingOutcome.WouldWait;
    }

    private RingOutcome FindHead(long tail)
    {
        _blockedAt = _free = _memory.ReadLong(RingLayout.Head);
        return IsWithin(_free, tail) ? RingOutcome.Done : RingOutcome.Damaged;
    }

    private RingOutcome FindSlowest(long tail, long size)
    {
        var slowest = tail;
        for (var i = 0; i < _memory.SlotCount; i++)
        {
            var token = _memory.ReadWord(RingLayout.Slot(i) + RingLayout.SlotToken);
            if (token == 0) continue;
            var cursor = _memory.ReadLong(RingLayout.Slot(i) + RingLayout.SlotCursor);
            if (!IsWithin(cursor, tail)) return RingOutcome.Damaged;
            if (tail - cursor > _memory.Capacity - size && IsVacant(i)) continue;
            if (cursor >= slowest) continue;
            slowest = cursor;
            (_blockedBy, _blockedAt) = (RingLayout.Slot(i) + RingLayout.SlotCursor, cursor);
        }
        _free = slowest;
        return RingOutcome.Done;
    }

    /// <summary>Whether a slot is free. Frees a slot whose reader died. The caller has the writers' lock.</summary>
    private bool IsVacant(int slot)
    {
        var token = _memory.ReadWord(RingLayout.Slot(slot) + RingLayout.SlotToken);
        if (token == 0) return true;
        if (_memory.IsAlive(token)) return false;
        _memory.WriteWord(RingLayout.Slot(slot) + RingLayout.SlotToken, 0);
        return true;
    }

    private RingOutcome DropOldest(long tail, long size)
    {
        var oldest = _memory.ReadLong(RingLayout.Head);
        if (!IsWithin(oldest, tail)) return RingOutcome.Damaged;
        // Drops more than it needs: a reader that was overtaken goes on at the oldest message, and must not be overtaken at once again.
        var wanted = Math.Min(size + (_memory.Capacity / 8), _memory.Capacity);
        while (tail - oldest > _memory.Capacity - wanted)
        {
            oldest += RingLayout.RecordSize((uint)_memory.ReadHeader(oldest));
            if (oldest > tail) return RingOutcome.Damaged;
        }
        _memory.WriteLong(RingLayout.Head, oldest);
        // Readers must see that the messages are dropped before they can see them overwritten.
        _memory.Fence();
        _free = oldest;
        return RingOutcome.Done;
    }

    private readonly bool IsWithin(long position, long tail) => (position & 7) == 0 && (ulong)(tail - position) <= (ulong)_memory.Capacity;

    /// <summary>One step of waiting for buffer space; the caller tries again after each. The steps are: spin; announce that this thread may
    /// sleep; sleep.</summary>
    private RingOutcome AwaitSpace(ref uint ticket, bool waitsForReaders, in WaitOptions wait)
    {
        if (ticket == 0)
        {
            if (wait.Deadline.IsImmediate || !_memory.SpinWait(_blockedBy, _blockedAt, wait))
                ticket = RingEventCount.Announce(ref _memory, RingLayout.SpaceSleepers);
            return RingOutcome.Done;
        }
        var value = ticket;
        ticket = 0;
        // The counter is read first. A reader that attaches meanwhile is either not counted, or seen attached.
        if (!waitsForReaders && _memory.ReadWord(RingLayout.ReadersEver) != 0 && !_memory.HasReaders()) return RingOutcome.NoPeers;
        if (wait.Deadline.HasPassed) return RingOutcome.TimedOut;
        // The caller tries once more when the time is over: there may be space for which no reader has woken this thread.
        _ = _memory.Sleep(RingLayout.SpaceSleepers, value, wait);
        return RingOutcome.Done;
    }
}
