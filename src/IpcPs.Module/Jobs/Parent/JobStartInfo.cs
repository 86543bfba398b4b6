using System.Collections;
using IpcPs.Linux;
using IpcPs.Module.Jobs.Pools;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Remote;
using IpcPs.Module.Jobs.Workers;
using IpcPs.Module.Transformation;
using IpcPs.Processes;
using IpcPs.Ssh;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The parameters of Start-IpcJob.</summary>
internal sealed record JobStartInfo
{
    /// <summary>The job's name; null to let PowerShell choose one.</summary>
    public string? Name { get; init; }

    /// <summary>The script.</summary>
    public required string Script { get; init; }

    /// <summary>What Get-Job shows as the job's command; by default the script.</summary>
    public string? Command { get; init; }

    /// <summary>The script that runs before it; null for none.</summary>
    public string? Initialization { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<object?> Arguments { get; init; } = [];

    /// <summary>The <c>$using:</c> values of both scripts.</summary>
    public IDictionary Using { get; init; } = new Hashtable();

    /// <summary>The folder that it starts in.</summary>
    public string? Location { get; init; }

    /// <summary>The environment variables that it has besides those of this process; a null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>The pool that the processes are taken from; null to start them.</summary>
    public IpcJobPool? Pool { get; init; }

    /// <summary>The hosts that the processes are started on, each on the next one; empty for this machine.</summary>
    public IReadOnlyList<SshHost> Hosts { get; init; } = [];

    /// <summary>How long another login may take where those that there are have no place.</summary>
    public TimeSpan? ConnectingTimeout { get; init; }

    /// <summary>The place on a host that the process gets; null to take one when it starts.</summary>
    public RemotePlace? Place { get; init; }

    /// <summary>The objects of -Handle.</summary>
    public IReadOnlyList<IpcTargetHandle> Handles { get; init; } = [];

    /// <summary>What carries the input; null if the job has none.</summary>
    public JobTransportFactory? Via { get; init; }

    /// <summary>How many jobs read the output, each of them all of it; null for one, or none.</summary>
    public int? Broadcast { get; init; }

    /// <summary>The input that the job itself reads for the worker that is started. The worker only removes it, should the job's process be
    /// killed.</summary>
    public RedirectMessage? SharedInput { get; init; }

    /// <summary>How several processes share the input; null for one process.</summary>
    public WorkerOptions? Workers { get; init; }

    /// <summary>The number of the worker that is started; 0 if the process is no worker.</summary>
    public int Worker { get; init; }

    /// <summary>Takes a place for the process on one of the hosts. May wait for another login.</summary>
    /// <exception cref="IpcException">As <see cref="RemotePlace.Take"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public RemotePlace TakePlace(CancellationToken cancellation) => RemotePlace.Take(Hosts, Worker,
        new(ConnectingTimeout is { } limit ? Deadline.After(limit) : Deadline.Infinite, cancellation));

    /// <summary>Starts the processes.</summary>
    /// <param name="job">The job.</param>
    /// <param name="output">Where the output goes from the beginning; null for this process.</param>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public IJobBody CreateBody(IpcJob job, RedirectMessage? output) =>
        Workers is null ? new ChildBody(job, this, output) : new WorkersBody(job, this, output);
}

/// <summary>One object of -Handle: the descriptors that the child inherits, or the address that the child opens.</summary>
internal sealed record IpcTargetHandle(IReadOnlyList<SafeDescriptor> Descriptors, string Address)
{
    /// <summary>The way in which the child gets an object.</summary>
    /// <exception cref="IpcException">The object was closed, or has two ends.</exception>
    public static IpcTargetHandle For(IpcTarget target) =>
        new(target.Object is { } opened ? InheritedObjects.DescriptorsOf(opened) : [], target.Address.Text);
}
