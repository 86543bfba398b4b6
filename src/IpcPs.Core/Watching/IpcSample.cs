using IpcPs.Inventory;

namespace IpcPs.Watching;

/// <summary>An object at one moment, and what went through it since the sample before. A property is null where the mechanism does not
/// show it, or this user may not read it.</summary>
public sealed class IpcSample
{
    /// <summary>When it was read.</summary>
    public required DateTime Time { get; init; }

    /// <summary>The address that opens the object.</summary>
    public required IpcAddress Address { get; init; }

    /// <summary>The text of <see cref="Address"/>.</summary>
    public string AddressText => Address.Text;

    /// <summary>What it is, in the words of the man pages.</summary>
    public required string Kind { get; init; }

    /// <summary>What waits in it, or the value of a semaphore.</summary>
    public long? Depth { get; init; }

    /// <summary>What <see cref="Depth"/> and <see cref="Capacity"/> count: messages, bytes, connections, units of a semaphore.</summary>
    public IpcDepthUnit Unit { get; init; }

    /// <summary>How much can wait in it.</summary>
    public long? Capacity { get; init; }

    /// <summary><see cref="Depth"/> in percent of <see cref="Capacity"/>.</summary>
    public double? FillPercent => Depth is { } depth && Capacity is > 0 and { } most ? Math.Min(100.0 * depth / most, 100) : null;

    /// <summary>Messages a second; for a semaphore, changes of its value.</summary>
    public double? MessagesPerSecond { get; init; }

    /// <summary>Bytes a second.</summary>
    public double? BytesPerSecond { get; init; }

    /// <summary>How the rates are known.</summary>
    public IpcRateSource RateSource { get; init; }

    /// <summary>The processes that have it open or mapped. They may be those of an earlier sample: see <see cref="IpcSampler"/>.</summary>
    public IReadOnlyList<IpcHolder> Holders { get; init; } = [];

    /// <summary>Of a lock: the process that has acquired it, or that used a semaphore last before it became 0.</summary>
    public int? HeldBy { get; init; }

    /// <summary>Of a lock: how long it has been held. Of a semaphore: how long processes have waited for it.</summary>
    public TimeSpan? HeldFor { get; init; }

    /// <summary>How many processes wait to acquire a lock.</summary>
    public int? Waiters { get; init; }

    /// <summary>What needs attention.</summary>
    public IpcSampleMarks Marks { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Address.Text;
}

/// <summary>What a depth counts.</summary>
public enum IpcDepthUnit
{
    /// <summary>Nothing: it has no depth.</summary>
    None,
    /// <summary>Messages in a queue.</summary>
    Messages,
    /// <summary>Bytes in a pipe, ring or socket; of a segment its size.</summary>
    Bytes,
    /// <summary>Connections that wait to be accepted.</summary>
    Connections,
    /// <summary>The value of a semaphore.</summary>
    Value,
}

/// <summary>How a rate is known.</summary>
public enum IpcRateSource
{
    /// <summary>There is no rate: it is the first sample, or the mechanism shows nothing that changes.</summary>
    None,
    /// <summary>Exact: the kernel counts what passes (tcp_info).</summary>
    KernelCounters,
    /// <summary>Exact bytes: the positions in a ring's shared memory. The messages are exact where the ring numbers them; else they are the
    /// bytes, divided by the size of the messages that are in it.</summary>
    RingPositions,
    /// <summary>The depth of two samples differs by so much: at least so much has passed. What came and went between the samples is not
    /// seen.</summary>
    DepthChanges,
}

/// <summary>What needs attention about an object.</summary>
[Flags]
public enum IpcSampleMarks
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>A sender waits, or the next one would: all messages of a queue are taken, or 95 % of a pipe's or ring's bytes.</summary>
    Full = 1,
    /// <summary>The process that had acquired a lock has ended, and no process has acquired it since.</summary>
    DeadHolder = 2,
    /// <summary>A lock has been held for too long, or processes have waited too long for a semaphore.</summary>
    StuckLock = 4,
    /// <summary>It is proven that no living process holds the object.</summary>
    Stale = 8,
}
