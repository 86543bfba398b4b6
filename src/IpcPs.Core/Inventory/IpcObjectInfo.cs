using System.Globalization;

namespace IpcPs.Inventory;

/// <summary>An object that exists on this machine. A property is null where the mechanism does not record it or this user may not read
/// it.</summary>
public sealed class IpcObjectInfo
{
    /// <summary>The address that opens it.</summary>
    public required IpcAddress Address { get; init; }

    /// <summary>The text of <see cref="Address"/>. Of several objects at once, <c>.Address</c> is a method of .NET's arrays.</summary>
    public string AddressText => Address.Text;

    /// <summary>What it is, in the words of the man pages.</summary>
    public required string Kind { get; init; }

    /// <summary>The owner's name.</summary>
    public string? Owner { get; init; }

    /// <summary>The owner's number.</summary>
    public uint? OwnerId { get; init; }

    /// <summary>The group's name.</summary>
    public string? Group { get; init; }

    /// <summary>Its permissions.</summary>
    public UnixFileMode? Mode { get; init; }

    /// <summary>Bytes: the size of a segment; what waits in a queue or pipe.</summary>
    public long? Size { get; init; }

    /// <summary>Messages in a queue; the value of a semaphore; semaphores in a set; the listener's backlog in use.</summary>
    public long? Depth { get; init; }

    /// <summary>Brokers: how many consumers receive from it.</summary>
    public int? Consumers { get; init; }

    /// <summary>The process that created it.</summary>
    public int? CreatorId { get; init; }

    /// <summary>The processes that used it last, as far as the mechanism records them.</summary>
    public IReadOnlyList<int> LastIds { get; init => field = Indexed.Of(value); } = [];

    /// <summary>When it was created, where the file system or the mechanism records it.</summary>
    public DateTime? Created { get; init; }

    /// <summary>When it was last used.</summary>
    public DateTime? LastUsed { get; init; }

    /// <summary>How long it has existed.</summary>
    public TimeSpan? Age => Created is { } at ? DateTime.Now - at : null;

    /// <summary>The processes that hold it.</summary>
    public IReadOnlyList<IpcHolder> Holders { get; init => field = Indexed.Of(value); } = [];

    /// <summary>Whether it is proven that no living process holds it. Also false where that can't be proven; <see cref="Reason"/> tells
    /// the two apart.</summary>
    public bool IsStale { get; init; }

    /// <summary>Why it is stale, or why not.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Tells it from another object that was created at the same address later; null where nothing does.</summary>
    internal object? Identity { get; init; }

    /// <summary>The path of its file; null where it has none.</summary>
    internal string? File { get; init; }

    /// <summary>Of a queue of a broker: how many messages it takes; null for no limit.</summary>
    internal long? Capacity { get; init; }

    /// <summary>Of a queue of a broker: whether its next sender would wait.</summary>
    internal bool IsFull { get; init; }

    /// <summary>Of a connection: its other end.</summary>
    internal System.Net.IPEndPoint? Remote { get; init; }

    /// <summary>Of a message that waits in shared memory: the channel that it was announced on.</summary>
    internal IpcAddress? Channel { get; init; }

    /// <summary>Whether its name or address, or that of the channel that its message was announced on, is a wanted one.</summary>
    /// <param name="matches">Whether a name or an address is wanted.</param>
    public bool IsNamed(Func<string, bool> matches)
    {
        ArgumentNullException.ThrowIfNull(matches);
        return IsNamed(Address, Channel, matches);
    }

    internal static bool IsNamed(IpcAddress address, IpcAddress? channel, Func<string, bool> matches)
    {
        return Is(address) || (channel is not null && Is(channel));

        bool Is(IpcAddress one) => matches(one.Text) || (one.Name is { } name && matches(name));
    }

    /// <inheritdoc/>
    public override string ToString() => Address.Text;
}

/// <summary>A process that has an object open or mapped, or waits to open it.</summary>
/// <param name="ProcessId">Its process id.</param>
/// <param name="ProcessName">Its name, cut at 15 characters.</param>
/// <param name="How">"open", "mapped" or "opening".</param>
public sealed record IpcHolder(int ProcessId, string ProcessName, string How)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ProcessName}({ProcessId})");
}
