namespace IpcPs.Inventory;

/// <summary>What a listing is for. It reads only what it needs for that.</summary>
public sealed class InventoryFilter
{
    /// <summary>Which mechanisms; empty for all.</summary>
    public IReadOnlyCollection<IpcScheme> Schemes { get; init; } = [];

    /// <summary>Whether to list anonymous objects too (pipes, unnamed sockets).</summary>
    public bool All { get; init; }

    /// <summary>Whether a name or an address is a wanted one; null where every one is. See
    /// <see cref="IpcObjectInfo.IsNamed(Func{string, bool})"/>.</summary>
    public Func<string, bool>? Names { get; init; }

    /// <summary>The names and addresses, where <see cref="Names"/> accepts nothing else: then only the mechanisms that can have one of them
    /// are looked at. Null where it may accept others.</summary>
    public IReadOnlyCollection<string>? Literals { get; init; }

    /// <summary>The names and addresses as they were written, wildcards included: a broker on another machine is looked at only where one
    /// of them begins with its address, <c>nats://HOST/</c>.</summary>
    public IReadOnlyCollection<string> Patterns { get; init; } = [];

    /// <summary>Lists only objects that one of these processes holds; empty for all.</summary>
    public IReadOnlyCollection<int> HolderIds { get; init; } = [];

    /// <summary>Whether an object of a mechanism can be a wanted one.</summary>
    internal bool Wants(IpcScheme scheme)
    {
        if (Schemes.Count > 0 && !Schemes.Contains(scheme)) return false;
        // The kernel does not record which processes use a System V queue or semaphore.
        if (HolderIds.Count > 0 && scheme is IpcScheme.SysVMq or IpcScheme.SysVSem) return false;
        // A message that waits in shared memory is found by the name of its channel.
        return Literals is null || scheme == IpcScheme.Shm || Literals.Any(text => CanBe(text, scheme));
    }

    /// <summary>Whether a named pipe outside the runtime folder can be a wanted one: its name is its path.</summary>
    internal bool WantsPaths => Literals is null || Literals.Any(static text => text.Contains('/', StringComparison.Ordinal));

    private static bool CanBe(string text, IpcScheme scheme)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return scheme is not (IpcScheme.Pipe or IpcScheme.Fd or IpcScheme.MemFd);
        // What has no scheme's word before the colon is a name.
        return !AddressParser.TryScheme(text[..colon], out var named) || named == scheme;
    }
}
