using IpcPs.Messaging;

namespace IpcPs.Rings.Algorithm;

/// <summary>The readers' side of a ring. From a queue a message is copied out and then taken by moving the head, one store, under the readers' lock: a reader that dies
/// before it leaves the message to the others. In a broadcast every reader has a cursor of its own. One thread at a time.</summary>
internal struct RingReader<TMemory>(TMemory memory, RingDelivery delivery)
    where TMemory : struct, IRingMemory
{
    /// <summary>How often a message may be overwritten while it is read before the deadline is looked at.</summary>
    private const int Overtakings = 64;

    private TMemory _memory = memory;

    // Up to here there are messages; others only move it on.
    private long _knownTail;
    private uint _endedAt;
    private uint _endingAt;

    // Broadcasts: the next message's position and number, and where others see the position.
    private long _cursor;
    private uint _number;
    private int _slot = -1;

    /// <summary>Messages of a broadcast that were dropped before this reader got them.</summary>
    public long Lost { get; private set; }

    /// <summary>Broadcasts: the next message's position.</summary>
    public readonly long Position => _cursor;

    private enum Step
    {
        Spin,
        Announced,
        LastLook,
    }

    /// <summary>Where a reader of a broadcast begins: what <see cref="RingWriter{TMemory}.AddReader"/> gave.</summary>
    public void Begin(int slot, long cursor, uint number)
    {
        _slot = slot;
        _cursor = _knownTail = cursor;
        _number = number;
    }

    /// <summary>Receives one message.</summary>
    /// <param name="message">Where it goes.</param>
    /// <param name="peek">Whether to leave it in the ring.</param>
    /// <param name="waitsForWriters">Whether the last writer's leaving is no end.</param>
    /// <param name="wait">How long to wait for one.</param>
    /// <returns>Done, TimedOut, PeersGone (the end: reported once for each time that the last writer leaves) or Damaged.</returns>
    public RingOutcome Receive(MessageBuffer message, bool peek, bool waitsForWriters, in WaitOptions wait)
    {
        var step = Step.Spin;
        var ticket = 0u;
        while (true)
        {
            var outcome = delivery == RingDelivery.Queue ? TryTake(message, peek, wait) : TryFollow(message, peek);
            if (outcome != RingOutcome.WouldWait) return outcome;
            outcome = AwaitData(ref step, ref ticket, waitsForWriters, wait);
            if (outcome != RingOutcome.Done) return outcome;
        }
    }

    /// <summary>Whether a receive would not wait.</summary>
    public bool IsReady(bool waitsForWriters)
    {
        _knownTail = _memory.ReadLong(RingLayout.Tail);
        var next = delivery == RingDelivery.Queue ? _memory.ReadLong(RingLayout.Head) : _cursor;
        return next != _knownTail || (!waitsForWriters && HasEnded());
    }

    /// <summary>Gives up a broadcast's slot, so that it holds nobody back.</summary>
    public void Leave()
    {
        if (_slot < 0) return;
        if (_memory.ReadWord(RingLayout.Slot(_slot) + RingLayout.SlotToken) == _memory.Token) _memory.Exchange(RingLayout.Slot(_slot) + RingLayout.SlotToken, 0);
        _slot = -1;
        RingEventCount.All(ref _memory, RingLayout.RoomSleepers);
    }

    private RingOutcome TryTake(MessageBuffer message, bool peek, in WaitOptions wait)
    {
        // The head can't be ahead of a tail that was read after it: equal means that there was nothing when the tail was read.
        var head = _memory.ReadLong(RingLayout.Head);
        if (_knownTail - head <= 0)
        {
            _knownTail = _memory.ReadLong(RingLayout.Tail);
            if (_knownTail == head) return RingOutcome.WouldWait;
        }
        var entered = RingLock.Enter(ref _memory, RingLayout.ReaderLock, wait);
        if (entered != RingOutcome.Done) return entered;
        bool left;
        RingOutcome outcome;
        try
        {
            outcome = TakeLocked(message, peek);
        }
        finally
        {
            // Also where there is no memory for the message: the others must go on.
            left = RingLock.Leave(ref _memory, RingLayout.ReaderLock);
        }
        if (!left) return RingOutcome.Damaged;
        if (outcome == RingOutcome.Done && !peek) RingEventCount.All(ref _memory, RingLayout.RoomSleepers);
        return outcome;
    }

    private RingOutcome TakeLocked(MessageBuffer message, bool peek)
    {
        var head = _memory.ReadLong(RingLayout.Head);
        if (_knownTail - head <= 0)
        {
            _knownTail = _memory.ReadLong(RingLayout.Tail);
            if (_knownTail == head) return RingOutcome.WouldWait;
        }
        var length = LengthAt(head, (uint)_memory.ReadHeader(head));
        if (length < 0) return RingOutcome.Damaged;
        var bytes = message.Reserve((int)length);
        _memory.CopyOut(head + RingLayout.RecordHeader, bytes[..(int)length]);
        message.Length = (int)length;
        if (!peek) _memory.WriteLong(RingLayout.Head, head + RingLayout.RecordSize(length));
        return RingOutcome.Done;
    }

    private RingOutcome TryFollow(MessageBuffer message, bool peek)
    {
        for (var attempt = 0; attempt < Overtakings; attempt++)
        {
            if (_cursor == _knownTail)
            {
                _knownTail = _memory.ReadLong(RingLayout.Tail);
                if (_cursor == _knownTail) return RingOutcome.WouldWait;
            }
            var header = _memory.ReadHeader(_cursor);
            if (delivery == RingDelivery.BroadcastDropOldest && WasOvertaken()) continue;
            var length = LengthAt(_cursor, (uint)header);
            if (length < 0) return RingOutcome.Damaged;
            var bytes = message.Reserve((int)length);
            _memory.CopyOut(_cursor + RingLayout.RecordHeader, bytes[..(int)length]);
            if (delivery == RingDelivery.BroadcastDropOldest && WasOvertaken()) continue;
            message.Length = (int)length;
            if (delivery == RingDelivery.BroadcastDropOldest) message.Lost = (uint)(header >> 32) - _number;
            if (!peek) Advance(length, (uint)(header >> 32), message.Lost);
            return RingOutcome.Done;
        }
        return RingOutcome.WouldWait;
    }

    private void Advance(long length, uint number, long lost)
    {
        _cursor += RingLayout.RecordSize(length);
        _number = number + 1;
        Lost += lost;
        if (delivery != RingDelivery.BroadcastHold) return;
        _memory.WriteLong(RingLayout.Slot(_slot) + RingLayout.SlotCursor, _cursor);
        RingEventCount.All(ref _memory, RingLayout.RoomSleepers);
    }

    /// <summary>Whether the message at the cursor was given up while it was read; what was read of it is worthless then, and the oldest that is left is next.</summary>
    private bool WasOvertaken()
    {
        _memory.Fence();
        var oldest = _memory.ReadLong(RingLayout.Head);
        if (oldest - _cursor <= 0) return false;
        _cursor = oldest & ~7L;
        _knownTail = _memory.ReadLong(RingLayout.Tail);
        return true;
    }

    /// <summary>The length of a message, read once; -1 where it cannot be true.</summary>
    private readonly long LengthAt(long position, uint length)
    {
        var behind = _knownTail - position;
        var believable = (position & 7) == 0 && (ulong)behind <= (ulong)_memory.Capacity
            && length <= RingLayout.MaxMessage(_memory.Capacity) && RingLayout.RecordSize(length) <= behind;
        return believable ? length : -1;
    }

    /// <summary>One step of waiting for a message: first spinning, then saying that we sleep and looking once more, then sleeping; and where the last writer has left, looking
    /// once more and giving up.</summary>
    private RingOutcome AwaitData(ref Step step, ref uint ticket, bool waitsForWriters, in WaitOptions wait)
    {
        switch (step)
        {
            case Step.Spin:
                if (!wait.Deadline.IsImmediate)
                {
                    if (_memory.Linger(RingLayout.Tail, _knownTail, wait)) return RingOutcome.Done;
                    ticket = RingEventCount.Announce(ref _memory, RingLayout.DataSleepers);
                }
                step = Step.Announced;
                return RingOutcome.Done;
            case Step.Announced when !waitsForWriters && HasEnded():
                step = Step.LastLook;
                return RingOutcome.Done;
            case Step.LastLook:
                _endedAt = _endingAt;
                return RingOutcome.PeersGone;
            default:
                step = Step.Spin;
                if (wait.Deadline.IsImmediate) return RingOutcome.TimedOut;
                return _memory.Sleep(RingLayout.DataSleepers, ticket, wait) ? RingOutcome.Done : RingOutcome.TimedOut;
        }
    }

    private bool HasEnded()
    {
        // The counter first: a writer that attaches after it was read begins the next sequence, which has an end of its own.
        _endingAt = _memory.ReadWord(RingLayout.WritersEver);
        return _endingAt != _endedAt && !_memory.HasWriters();
    }
}
