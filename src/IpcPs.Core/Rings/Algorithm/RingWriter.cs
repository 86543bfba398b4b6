using System.Runtime.CompilerServices;

namespace IpcPs.Rings.Algorithm;

/// <summary>The writers' side of a ring. A message is written behind the tail and committed by moving the tail, one store: a writer that dies before it has
/// sent nothing, one that dies after it has sent everything. One thread at a time; of several participants the writers' lock lets in one.</summary>
internal struct RingWriter<TMemory>(TMemory memory, RingDelivery delivery)
    where TMemory : struct, IRingMemory
{
    /// <summary>How far ahead of a small message the ring is claimed.</summary>
    private const int Ahead = 512;

    private TMemory _memory = memory;

    // Everything before it may be overwritten. Others only move it on, so an old value costs a look at the shared one and nothing else.
    private long _free;

    // Up to here the cache lines were claimed.
    private long _claimed;

    // What to watch for room: where the reader that is furthest behind keeps its position.
    private int _blockedBy = RingLayout.Head;
    private long _blockedAt;

    /// <summary>Sends one message of two parts.</summary>
    /// <returns>Done, TimedOut, PeersGone (no room, and the last reader has left) or Damaged.</returns>
    public RingOutcome Send(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> payload, bool waitsForReaders, in WaitOptions wait)
    {
        var ticket = 0u;
        while (true)
        {
            var outcome = TrySend(prefix, payload, wait);
            if (outcome != RingOutcome.WouldWait) return outcome;
            outcome = AwaitRoom(ref ticket, waitsForReaders, wait);
            if (outcome != RingOutcome.Done) return outcome;
        }
    }

    /// <summary>Sends messages that lie one behind the other as records (header, payload, padding), as many at once as fit.</summary>
    /// <param name="records">The records; what was sent is cut off the front.</param>
    /// <param name="waitsForReaders">Whether the last reader's leaving is no reason to give up.</param>
    /// <param name="wait">How long to wait for room.</param>
    /// <returns>As <see cref="Send"/>.</returns>
    public RingOutcome SendMany(ref ReadOnlySpan<byte> records, bool waitsForReaders, in WaitOptions wait)
    {
        var ticket = 0u;
        while (true)
        {
            var outcome = TrySendMany(ref records, wait);
            if (outcome != RingOutcome.WouldWait) return outcome;
            outcome = AwaitRoom(ref ticket, waitsForReaders, wait);
            if (outcome != RingOutcome.Done) return outcome;
        }
    }

    /// <summary>Sets a reader of a broadcast that holds at the tail, in a slot of its own; of one that drops, finds the tail. What is sent from now on it gets.</summary>
    /// <param name="slot">The slot, -1 where none is needed; or the wish for none free: <see cref="RingLayout.SlotCount"/>.</param>
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
                // The cursor before the token: who dies between them has taken nothing from anybody.
                _memory.WriteLong(RingLayout.Slot(slot) + RingLayout.SlotCursor, cursor);
                _memory.WriteWord(RingLayout.Slot(slot) + RingLayout.SlotToken, _memory.Token);
            }
        }
        return RingLock.Leave(ref _memory, RingLayout.WriterLock) ? RingOutcome.Done : RingOutcome.Damaged;
    }

    private RingOutcome TrySend(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> payload, in WaitOptions wait)
    {
        var entered = RingLock.Enter(ref _memory, RingLayout.WriterLock, wait);
        if (entered != RingOutcome.Done) return entered;
        var tail = _memory.ReadLong(RingLayout.Tail);
        var length = prefix.Length + payload.Length;
        var outcome = MakeRoom(tail, RingLayout.RecordSize(length));
        if (outcome == RingOutcome.Done)
        {
            var end = Write(tail, prefix, payload);
            _memory.WriteLong(RingLayout.Tail, end);
            if (end > _claimed) ClaimAhead(tail, end);
        }
        if (!RingLock.Leave(ref _memory, RingLayout.WriterLock)) return RingOutcome.Damaged;
        if (outcome == RingOutcome.Done) RingEventCount.All(ref _memory, RingLayout.DataSleepers);
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
            outcome = MakeRoom(tail, size);
            if (outcome != RingOutcome.Done) break;
            tail = Write(tail, default, records.Slice(RingLayout.RecordHeader, length));
            records = records[size..];
        }
        if (tail != start) _memory.WriteLong(RingLayout.Tail, tail);
        if (!RingLock.Leave(ref _memory, RingLayout.WriterLock)) return RingOutcome.Damaged;
        if (tail != start) RingEventCount.All(ref _memory, RingLayout.DataSleepers);
        return outcome;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long Write(long tail, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> payload)
    {
        var length = prefix.Length + payload.Length;
        var end = tail + RingLayout.RecordSize(length);
        // A broadcast numbers its messages, so that a reader knows how many it lost. The next one's number is left behind the end, where that one's header will be: so
        // number and tail are always committed together.
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

    /// <summary>Leaving the lock waits until all stores are made, and a line that the reader had last has to be fetched first: some 50 ns for each message. So the lines of several
    /// messages are fetched at once.</summary>
    private void ClaimAhead(long tail, long end)
    {
        if (end - tail > Ahead) return;
        // Behind the number that lies at the end, and not beyond what is free.
        _claimed = Math.Min(end + Ahead, _free + _memory.Capacity);
        _memory.Claim(end + RingLayout.RecordHeader, _claimed);
    }

    /// <summary>Whether a record, and the number behind it, fit; in a broadcast that drops they always do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RingOutcome MakeRoom(long tail, long size)
    {
        // Unsigned: whatever the ring claims, what is written lies between what is known to be free and the ring's length.
        var used = tail - _free;
        if ((ulong)used <= (ulong)(_memory.Capacity - size - RingLayout.RecordHeader)) return RingOutcome.Done;
        return MakeRoomSlow(tail, size + RingLayout.RecordHeader);
    }

    private RingOutcome MakeRoomSlow(long tail, long size)
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

    /// <summary>Whether a slot is free; one whose reader died becomes so. Under the writers' lock.</summary>
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
        // More than is needed at once: a reader that was overtaken begins again at the oldest message, and must not be overtaken at once.
        var wanted = Math.Min(size + (_memory.Capacity / 8), _memory.Capacity);
        while (tail - oldest > _memory.Capacity - wanted)
        {
            oldest += RingLayout.RecordSize((uint)_memory.ReadHeader(oldest));
            if (oldest > tail) return RingOutcome.Damaged;
        }
        _memory.WriteLong(RingLayout.Head, oldest);
        // Readers must see that the messages are given up before they can see them overwritten.
        _memory.Fence();
        _free = oldest;
        return RingOutcome.Done;
    }

    private readonly bool IsWithin(long position, long tail) => (position & 7) == 0 && (ulong)(tail - position) <= (ulong)_memory.Capacity;

    /// <summary>One step of waiting for room: first spinning, then saying that we sleep and looking once more, then sleeping.</summary>
    private RingOutcome AwaitRoom(ref uint ticket, bool waitsForReaders, in WaitOptions wait)
    {
        if (ticket == 0)
        {
            if (wait.Deadline.IsImmediate || !_memory.Linger(_blockedBy, _blockedAt, wait)) ticket = RingEventCount.Announce(ref _memory, RingLayout.RoomSleepers);
            return RingOutcome.Done;
        }
        var value = ticket;
        ticket = 0;
        // The counter first: a reader that comes now is either seen attached, or was not counted.
        if (!waitsForReaders && _memory.ReadWord(RingLayout.ReadersEver) != 0 && !_memory.HasReaders()) return RingOutcome.PeersGone;
        if (wait.Deadline.IsImmediate) return RingOutcome.TimedOut;
        return _memory.Sleep(RingLayout.RoomSleepers, value, wait) ? RingOutcome.Done : RingOutcome.TimedOut;
    }
}
