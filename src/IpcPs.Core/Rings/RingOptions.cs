namespace IpcPs.Rings;

/// <summary>Which readers get a message of a ring, and what happens when the ring is full.</summary>
public enum RingDelivery
{
    /// <summary>Each message goes to one reader. Writers wait while the ring is full.</summary>
    Queue = 0,
    /// <summary>Every reader gets every message that is sent after it attached. Writers wait for the slowest reader.</summary>
    BroadcastHold = 1,
    /// <summary>Every reader gets every message that is sent after it attached. Writers never wait: a reader that is too slow loses the
    /// oldest messages, and learns how many.</summary>
    BroadcastDropOldest = 2,
}

/// <summary>How a ring is created.</summary>
public readonly record struct RingOptions
{
    /// <summary>The default: a queue of 1 MiB for the current user, removed when its last participant detaches.</summary>
    public RingOptions()
    {
    }

    /// <summary>Bytes that the ring holds, 64 KiB to 1 GiB, rounded up to a power of two. A message can have almost half of them.</summary>
    public long Capacity { get; init; } = MessageRing.DefaultCapacity;

    /// <summary>Which readers get a message, and what happens when the ring is full.</summary>
    public RingDelivery Delivery { get; init; }

    /// <summary>Permissions of the ring's file. A user needs both read and write permission to use the ring.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Whether the ring and its messages stay when the last participant detaches.</summary>
    public bool Persist { get; init; }
}
