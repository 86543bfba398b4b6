namespace IpcPs.Rings.Algorithm;

/// <summary>How an operation on a ring went. Not exceptions, because a lock may be held where it is decided.</summary>
internal enum RingOutcome
{
    /// <summary>Done.</summary>
    Done,
    /// <summary>No message, or no room, and the deadline has passed.</summary>
    TimedOut,
    /// <summary>No message, or no room, now.</summary>
    WouldWait,
    /// <summary>The last participant of the other side is gone.</summary>
    PeersGone,
    /// <summary>What is in the ring contradicts itself.</summary>
    Damaged,
}
