namespace IpcPs.Mechanisms;

/// <summary>How an object is opened.</summary>
public readonly record struct OpenOptions
{
    /// <summary>What for.</summary>
    public IpcAccess Access { get; init; }

    /// <summary>Whether this end outlives its peers, where the mechanism can do that (named pipes).</summary>
    public bool Persistent { get; init; }

    /// <summary>Waits for a server to listen, where only opening can tell whether one does (sockets).</summary>
    public bool Wait { get; init; }
}
