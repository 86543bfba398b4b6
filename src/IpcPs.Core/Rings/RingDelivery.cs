namespace IpcPs.Rings;

/// <summary>Who gets a message of a ring, and what happens when it is full.</summary>
public enum RingDelivery
{
    /// <summary>Each message goes to one reader; writers wait for room.</summary>
    Queue = 0,
    /// <summary>Every reader gets every message from when it attached on; the slowest one holds the writers back.</summary>
    BroadcastHold = 1,
    /// <summary>Every reader gets every message from when it attached on; writers never wait, and a reader that is too slow loses the oldest
    /// messages and is told how many.</summary>
    BroadcastDropOldest = 2,
}
