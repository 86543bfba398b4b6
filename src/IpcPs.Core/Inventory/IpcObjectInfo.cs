namespace IpcPs.Inventory;

/// <summary>An object that exists on this machine. What the mechanism or this user's permissions don't tell is null.</summary>
public sealed class IpcObjectInfo
{
    /// <summary>The address that every other command takes.</summary>
    public required IpcAddress Address { get; init; }

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

    /// <summary>Bytes: of a segment its size, of a queue or pipe what waits in it.</summary>
    public long? Size { get; init; }

    /// <summary>Messages in a queue; the value of a semaphore; semaphores in a set; the listener's backlog in use.</summary>
    public long? Depth { get; init; }

    /// <summary>The process that made it.</summary>
    public int? CreatorId { get; init; }

    /// <summary>The processes that used it last, as far as the mechanism records them.</summary>
    public IReadOnlyList<int> LastIds { get; init; } = [];

    /// <summary>When it was made, where the file system or the mechanism records it.</summary>
    public DateTime? Created { get; init; }

    /// <summary>When it was last used.</summary>
    public DateTime? LastUsed { get; init; }

    /// <summary>Since when it exists.</summary>
    public TimeSpan? Age => Created is { } at ? DateTime.Now - at : null;

    /// <summary>The processes that hold it.</summary>
    public IReadOnlyList<IpcHolder> Holders { get; init; } = [];

    /// <summary>Whether it is proven that no living process holds it. False also where that can't be proven: <see cref="Reason"/> says which.</summary>
    public bool IsStale { get; init; }

    /// <summary>Why it is stale, or why not.</summary>
    public string Reason { get; init; } = "";

    /// <summary>What tells it from another object that was made at the same address later; null where nothing does.</summary>
    internal object? Identity { get; init; }

    /// <summary>Its file, by whose name it can be taken away; null where it has none.</summary>
    internal string? File { get; init; }

    /// <summary>Of a message that waits in shared memory: the channel that it was announced on.</summary>
    internal IpcAddress? Channel { get; init; }

    /// <summary>Whether it is called so, or is a message on a channel that is: names and addresses count.</summary>
    /// <param name="matches">Whether a name or an address is one of the wanted ones.</param>
    public bool IsNamed(Func<string, bool> matches)
    {
        ArgumentNullException.ThrowIfNull(matches);
        return Is(Address) || (Channel is not null && Is(Channel));

        bool Is(IpcAddress address) => matches(address.Text) || (address.Name is { } name && matches(name));
    }

    /// <inheritdoc/>
    public override string ToString() => Address.Text;
}
