namespace IpcPs.Rings;

/// <summary>How a ring is made.</summary>
public readonly record struct RingOptions
{
    /// <summary>Creates the default: a queue of 1 MiB, for this user only, gone with its last participant.</summary>
    public RingOptions()
    {
    }

    /// <summary>Bytes that it holds, rounded up to a power of two: 64 KiB to 1 GiB. A message may have almost half of them.</summary>
    public long Capacity { get; init; } = MessageRing.DefaultCapacity;

    /// <summary>Who gets a message, and what happens when the ring is full.</summary>
    public RingDelivery Delivery { get; init; }

    /// <summary>Permissions of the file; who may use the ring must be able to read and write it.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Whether the ring, and what is in it, stays when the last participant leaves.</summary>
    public bool Persist { get; init; }
}
