namespace IpcPs.Watching;

/// <summary>What one look at an object shows.</summary>
internal readonly record struct Reading
{
    /// <summary>The part of its capacity from which a stream of bytes is full: the next message may not fit.</summary>
    public const double FullBytes = 0.95;

    /// <summary>What waits in it.</summary>
    public long? Depth { get; init; }

    /// <summary>What the depth counts.</summary>
    public IpcDepthUnit Unit { get; init; }

    /// <summary>How much can wait in it.</summary>
    public long? Capacity { get; init; }

    /// <summary>Whether the next sender would wait.</summary>
    public bool IsFull { get; init; }

    /// <summary>Messages: all since the object exists where <see cref="Counts"/> says so, else those that wait.</summary>
    public double? Messages { get; init; }

    /// <summary>Bytes, in the same way.</summary>
    public long? Bytes { get; init; }

    /// <summary>How many bytes a message of those in it takes up, where <see cref="Messages"/> are not known.</summary>
    public double? MessageSize { get; init; }

    /// <summary>How messages and bytes are counted; <see cref="IpcRateSource.DepthChanges"/> if they are what waits.</summary>
    public IpcRateSource Counts { get; init; }

    /// <summary>Of a lock: whether it is held; of a semaphore, whether processes wait for it.</summary>
    public bool IsHeld { get; init; }

    /// <summary>The process that holds it, or held it.</summary>
    public int? HolderId { get; init; }

    /// <summary>Since when; null where only a later sample can tell.</summary>
    public DateTime? HeldSince { get; init; }

    /// <summary>Whether the holder has ended without a release.</summary>
    public bool HolderDied { get; init; }

    /// <summary>How many processes wait.</summary>
    public int? Waiters { get; init; }
}
