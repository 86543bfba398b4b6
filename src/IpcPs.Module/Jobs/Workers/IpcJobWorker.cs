namespace IpcPs.Module.Jobs.Workers;

/// <summary>What a worker does now.</summary>
public enum IpcWorkerState
{
    /// <summary>Its process starts.</summary>
    Starting,

    /// <summary>It has no item.</summary>
    Idle,

    /// <summary>It works on an item.</summary>
    Busy,

    /// <summary>It has ended.</summary>
    Ended,
}

/// <summary>A worker of a job, at the moment in which it was asked for. When a worker's process dies, another one takes its place, under
/// the same number.</summary>
public sealed record IpcJobWorker
{
    /// <summary>Its number, from 1: <c>$IpcWorker</c> in its script.</summary>
    public int Id { get; init; }

    /// <summary>The process id; null on another host.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The host that it runs on; null for this machine.</summary>
    public string? HostName { get; init; }

    /// <summary>What it does.</summary>
    public IpcWorkerState State { get; init; }

    /// <summary>How many items it has finished, failed ones included. Those of processes that had its place before count too.</summary>
    public long ItemsDone { get; init; }

    /// <summary>How many of them failed.</summary>
    public long ItemsFailed { get; init; }

    /// <summary>The channel to its <c>$IpcParent</c>.</summary>
    public IpcChannel? Channel { get; init; }

    /// <inheritdoc/>
    public override string ToString() => HostName is null ? $"worker {Id} (process {ProcessId})" : $"worker {Id} (on {HostName})";
}
