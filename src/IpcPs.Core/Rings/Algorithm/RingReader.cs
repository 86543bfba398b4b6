using System.Runtime.CompilerServices;
using IpcPs.Messaging;

namespace IpcPs.Rings.Algorithm;

/// <summary>The readers' side of a ring. In a queue, a reader copies a message and then removes it by moving the head, with one store,
/// under the readers' lock. If it dies before that store, the message stays for the others. In a broadcast every reader has its own cursor.
/// One thread at a time uses it.</summary>
internal struct RingReader<TMemory>(TMemory memory, RingDelivery delivery)
    where TMemory : struct, IRingMemory
{
    /// <summary>How often a message may be overwritten while it is read before the deadline is checked.</summary>
    private const int MaxOvertakings = 64;

    private TMemory _memory = memory;

    // There are messages up to here. The shared tail only moves forward, so an old value is safe.
    private long _knownTail;
    private uint _endedAt;
    private uint _endingAt;

    // Broadcasts: the next message's position and number, and the slot in which writers see the position.
    private long _cursor;
    private uint _number;
    private int _slot = -1;

    /// <summary>How many messages of a broadcast were dropped before this reader received them.</summary>
    public long Lost { get; private set; }

    /// <summary>Broadcasts: the next message's position.</summary>
    public readonly long Position => _cursor;

    private enum Step
    {
        Spin,
        Announced,
        LastCheck,
    }

    /// <summary>Sets the start of a broadcast's reader, from <see cref="RingWriter{TMemory}.AddReader"/>.</summary>
    public void Begin(int slot, long cursor, uint number)
    {
        _slot = slot;
        _cursor = _knownTail = cursor;
        _number = number;
    }

    /// <summary>Receives one message.</summary>
    /// <param name="message">Gets the message.</param>
    /// <param name="peek">Whether to leave it in the ring.</param>
    /// <param name="waitsForWriters">Whether to wait for the next writer after the last one has detached.</param>
    /// <param name="wait">How long to wait for a message.</param>
    /// <returns>Done, TimedOut, NoPeers (the end of the stream; reported once each time that the last writer detaches) or
    /// Damaged.</returns>
    public RingOutcome Receive(MessageBuffer message, bool peek, bool waitsForWriters, in WaitOptions wait)
    {
        var step = Step.Spin;
        var ticket = 0u;
        while (true)
        {
            var outcome = delivery == RingDelivery.Queue ? TryDequeue(message, peek, wait) : TryReadNext(message, peek);
            if (outcome != RingOutcome.WouldWait) return outcome;
            outcome = AwaitData(ref step, ref ticket, waitsForWriters, wait);
            if (outcome != RingOutcome.Done) return outcome;
        }
    }

    /// <summary>Whether there is a message.</summary>
    public bool HasMessage()
    {
        _knownTail = _memory.ReadLong(RingLayout.Tail);
        var next = delivery == RingDelivery.Queue ? _memory.ReadLong(RingLayout.Head) : _cursor;
        return next != _knownTail;
    }

    /// <summary>Whether there is a message, while another thread receives.</summary>
    public readonly bool SeesMessage() =>
        _memory.ReadLong(RingLayout.Tail)
        != (delivery == RingDelivery.Queue ? _memory.ReadLong(RingLayout.Head) : Volatile.Read(in _cursor));

    /// <summary>Releases a broadcast's slot, so that writers do not wait for this reader.</summary>
    public void Detach()
    {
        if (_slot < 0) return;
        var token = RingLayout.Slot(_slot) + RingLayout.SlotToken;
        if (_memory.ReadWord(token) == _memory.Token) _memory.Exchange(token, 0);
        _slot = -1;
        RingEventCount.WakeAll(ref _memory, RingLayout.SpaceSleepers);
    }

    private RingOutcome TryDequeue(MessageBuffer message, bool peek, in WaitOptions wait)
    {
        // The head cannot be ahead of a tail that was read after it. If they are equal, there was no message when the tail was read.
        var head = _memory.ReadLong(RingLayout.Head);
        if (_knownTail - head <= 0)
        {
            _knownTail = _memory.ReadLong(RingLayout.Tail);
            if (_knownTail == head) return RingOutcome.WouldWait;
        }
        var entered = RingLock.Enter(ref _memory, RingLayout.ReaderLock, wait);
        if (entered != RingOutcome.Done) return entered;
        bool exited;
        RingOutcome outcome;
        try
        {
            outcome = DequeueLocked(message, peek);
        }
        finally
        {
            // Also after an exception (no memory for the message): other readers must be able to go on.
            exited = RingLock.Exit(ref _memory, RingLayout.ReaderLock);
        }
        if (!exited) return RingOutcome.Damaged;
        if (outcome == RingOutcome.Done && !peek) WakeWriters();
        return outcome;
    }

    private RingOutcome DequeueLocked(MessageBuffer message, bool peek)
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

    private RingOutcome TryReadNext(MessageBuffer message, bool peek)
    {
        for (var attempt = 0; attempt < MaxOvertakings; attempt++)
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
        WakeWriters();
    }

    /// <summary>Wakes the writers that wait for space, once a quarter of the ring is free. A writer that was woken for the space of one
    /// message would take a core from the reader for that, and soon sleep again. Where the reader stops reading before that, the writers
    /// find the space when they look by themselves (RingParticipant.Sleep), or when their time is over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WakeWriters()
    {
        // The tail is read only where a writer sleeps. One that sends writes to its cache line all the time.
        if (RingEventCount.HasSleepers(ref _memory, RingLayout.SpaceSleepers) && IsQuarterFree())
            RingEventCount.WakeAll(ref _memory, RingLayout.SpaceSleepers);
    }

    private bool IsQuarterFree()
    {
        var read = delivery == RingDelivery.Queue ? _memory.ReadLong(RingLayout.Head) : _cursor;
        return _memory.ReadLong(RingLayout.Tail) - read <= _memory.Capacity - (_memory.Capacity / 4);
    }

    /// <summary>Whether the message at the cursor was dropped while it was read. Then the bytes that were read are not valid, and the
    /// cursor moves to the oldest message that is left.</summary>
    private bool WasOvertaken()
    {
        _memory.Fence();
        var oldest = _memory.ReadLong(RingLayout.Head);
        if (oldest - _cursor <= 0) return false;
        _cursor = oldest & ~7L;
        _knownTail = _memory.ReadLong(RingLayout.Tail);
        return true;
    }

    /// <summary>The length of a message, from a header that was read once; -1 if it cannot be right.</summary>
    private readonly long LengthAt(long position, uint length)
    {
        var available = _knownTail - position;
        var isPossible = (position & 7) == 0 && (ulong)available <= (ulong)_memory.Capacity
            && length <= RingLayout.MaxMessage(_memory.Capacity) && RingLayout.RecordSize(length) <= available;
        return isPossible ? length : -1;
    }

    /// <summary>One step of waiting for a message; the caller checks for a message after each. The steps are: spin; announce that this
    /// thread may sleep; sleep. If the last writer has detached, the last step is one more check.</summary>
    private RingOutcome AwaitData(ref Step step, ref uint ticket, bool waitsForWriters, in WaitOptions wait)
    {
        switch (step)
        {
            case Step.Spin:
                if (!wait.Deadline.IsImmediate)
                {
                    if (_memory.SpinWait(RingLayout.Tail, _knownTail, wait)) return RingOutcome.Done;
                    ticket = RingEventCount.Announce(ref _memory, RingLayout.DataSleepers);
                }
                step = Step.Announced;
                return RingOutcome.Done;
            case Step.Announced when !waitsForWriters && HasEnded():
                step = Step.LastCheck;
                return RingOutcome.Done;
            case Step.LastCheck:
                _endedAt = _endingAt;
                return RingOutcome.NoPeers;
            default:
                step = Step.Spin;
                if (wait.Deadline.IsImmediate) return RingOutcome.TimedOut;
                return _memory.Sleep(RingLayout.DataSleepers, ticket, wait) ? RingOutcome.Done : RingOutcome.TimedOut;
        }
    }

    public bool HasEnded()
    {
        // The counter is read first. A writer that attaches after that begins the next stream, which has its own end.
        _endingAt = _memory.ReadWord(RingLayout.WritersEver);
        return _endingAt != _endedAt && !_memory.HasWriters();
    }
}
