using System.Globalization;

namespace IpcPs.Connections;

/// <summary>Two processes that are connected through an IPC object: an edge of the graph of processes.</summary>
public sealed record IpcConnection
{
    /// <summary>The process that sends, that holds a lock, or that waits for <see cref="To"/>. Where both send, either of them.</summary>
    public required ConnectedProcess From { get; init; }

    /// <summary>The other process.</summary>
    public required ConnectedProcess To { get; init; }

    /// <summary>What connects them, in the words of the man pages: "anonymous pipe", "mutex"; "job" for the pipes between a job and the
    /// process that started it.</summary>
    public required string Kind { get; init; }

    /// <summary>The mechanism; null for a lock on an ordinary file.</summary>
    public IpcScheme? Scheme { get; init; }

    /// <summary>The address that opens the object; null where it has none, as a socket pair.</summary>
    public IpcAddress? Address { get; init; }

    /// <summary>The address as text, or else what tells the object from others of its kind.</summary>
    public required string AddressText { get; init; }

    /// <summary>Whether messages go one way or both.</summary>
    public IpcConnectionDirection Direction { get; init; }

    /// <summary>What the two do with it.</summary>
    public IpcConnectionState State { get; init; }

    /// <summary>How much waits in it to be received, both ways together; null where that is not known.</summary>
    public long? Depth { get; init; }

    /// <summary>The unit of <see cref="Depth"/>: "bytes", "messages", or "clients" that a server has not accepted.</summary>
    public string? DepthUnit { get; init; }

    /// <summary>The number of the deadlock that it is a part of, from 1; null where it is not.</summary>
    public int? Deadlock { get; init; }

    /// <summary>The files of the runtime's diagnostics, which a listing leaves out.</summary>
    internal bool IsOfRuntime { get; init; }

    /// <summary>Whether the object has no name.</summary>
    internal bool IsUnnamed { get; init; }

    /// <summary>Whether <see cref="To"/> is known to be the only process that can end the wait.</summary>
    internal bool IsForHolder { get; init; }

    /// <summary>Whether its object's name or address is a wanted one.</summary>
    /// <param name="matches">Whether a name or an address is wanted.</param>
    public bool IsNamed(Func<string, bool> matches)
    {
        ArgumentNullException.ThrowIfNull(matches);
        return matches(AddressText) || (Address?.Name is { } name && matches(name));
    }

    /// <inheritdoc/>
    public override string ToString() => State == IpcConnectionState.Waits ? $"{From} waits for {To}: {AddressText}"
        : $"{From} {(Direction == IpcConnectionDirection.Both ? "<->" : "->")} {To}: {AddressText}";
}

/// <summary>A process at an end of a connection.</summary>
/// <param name="ProcessId">Its process id.</param>
/// <param name="ProcessName">Its name, cut at 15 characters.</param>
/// <param name="Job">The name of the job that it runs; empty where only another process knows the name; null for none.</param>
public sealed record ConnectedProcess(int ProcessId, string ProcessName, string? Job = null)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ProcessName}({ProcessId})");
}

/// <summary>Which way messages go.</summary>
public enum IpcConnectionDirection
{
    /// <summary>From <see cref="IpcConnection.From"/> to <see cref="IpcConnection.To"/>.</summary>
    Forward,
    /// <summary>Both ways, or both use the same memory or lock.</summary>
    Both,
}

/// <summary>What two connected processes do.</summary>
public enum IpcConnectionState
{
    /// <summary>Both have the object open.</summary>
    Open,
    /// <summary><see cref="IpcConnection.From"/> holds the lock, and <see cref="IpcConnection.To"/> has it open.</summary>
    Holds,
    /// <summary><see cref="IpcConnection.From"/> waits until <see cref="IpcConnection.To"/> releases, accepts, sends or
    /// receives.</summary>
    Waits,
}
