using IpcPs.Messaging;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Rings;

/// <content>Reading what passes without being a reader: writers do not wait for it, and no reader loses a message by it. A message stays in
/// the memory until later ones overwrite it, also where a reader has removed it.</content>
public sealed partial class MessageRing
{
    /// <summary>Where the next message will be.</summary>
    internal long TracePosition
    {
        get
        {
            using var hold = Hold();
            return _participant.Memory.ReadLong(RingLayout.Tail);
        }
    }

    /// <summary>Copies the message at a position, as it was sent, and moves the position behind it.</summary>
    /// <param name="message">Gets the message.</param>
    /// <param name="position">Where it begins.</param>
    /// <param name="wasOvertaken">Whether messages were overwritten before they could be copied: the position moves to the newest.</param>
    /// <returns>False if there is no message yet.</returns>
    internal bool TryTrace(MessageBuffer message, ref long position, out bool wasOvertaken)
    {
        using var hold = Hold();
        var memory = _participant.Memory;
        wasOvertaken = false;
        var tail = memory.ReadLong(RingLayout.Tail);
        if (tail == position) return false;
        var length = (uint)memory.ReadHeader(position);
        if (IsOverwritten(tail, position) || RingLayout.RecordSize(length) > tail - position)
        {
            position = tail;
            wasOvertaken = true;
            return false;
        }
        var bytes = message.Reserve((int)length);
        memory.CopyOut(position + RingLayout.RecordHeader, bytes[..(int)length]);
        memory.Fence();
        tail = memory.ReadLong(RingLayout.Tail);
        if (IsOverwritten(tail, position))
        {
            position = tail;
            wasOvertaken = true;
            return false;
        }
        message.Length = (int)length;
        position += RingLayout.RecordSize(length);
        return true;
    }

    /// <summary>Blocks until there is a message after the position, or the deadline has passed. It may return early.</summary>
    internal void WaitToTrace(long position, in WaitOptions wait)
    {
        using var hold = Hold();
        var memory = _participant.Memory;
        var ticket = RingEventCount.Announce(ref memory, RingLayout.DataSleepers);
        if (memory.ReadLong(RingLayout.Tail) == position) memory.Sleep(RingLayout.DataSleepers, ticket, wait);
    }

    // A writer may be writing what is not published yet: at most half of the ring.
    private bool IsOverwritten(long tail, long position) => (ulong)(tail - position) > (ulong)(Capacity / 2);
}
