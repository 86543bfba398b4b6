using IpcPs.Module.Jobs.Parent;

namespace IpcPs.Module.Jobs.Workers;

/// <summary>How several processes share the input of a job.</summary>
internal sealed record WorkerOptions
{
    /// <summary>The number of processes, 1 or more.</summary>
    public required int Count { get; init; }

    /// <summary>Whether the outputs come in the order of their inputs.</summary>
    public bool Ordered { get; init; }

    /// <summary>How many further workers get an item that has failed.</summary>
    public int Retry { get; init; }

    /// <summary>How long a worker may take for one item; null for any time.</summary>
    public TimeSpan? ItemTimeout { get; init; }

    /// <summary>How long the whole may take; null for any time.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The log of the items; null for none.</summary>
    public WorkerLog? Log { get; init; }

    /// <summary>The number of failed items that ends the whole; null for none.</summary>
    public int? MaxFailures { get; init; }

    /// <summary>Whether the script runs once an item (-Process). Otherwise it reads its items from <c>$input</c>.</summary>
    public bool IsPerItem { get; init; }

    /// <summary>Whether a worker has work left when its input has ended: -End, or what a script does after its <c>$input</c>.</summary>
    public bool HasEnd { get; init; } = true;

    /// <summary>Whether the command that starts the job adds its input itself. Otherwise the input comes through the job's transport, if
    /// anything is piped to the job.</summary>
    public bool IsInputAdded { get; init; }

    /// <summary>Whether a worker is started when there is work for it. Otherwise all are started at once.</summary>
    public bool StartOnDemand { get; init; }

    /// <summary>How long a worker that was asked to end may take, before it is killed.</summary>
    public TimeSpan Grace { get; init; } = IpcJob.Grace;
}
