using System.Collections;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Pools;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Workers;
using IpcPs.Module.Transformation;
using IpcPs.Ssh;

namespace IpcPs.Module.Commands.Jobs;

/// <summary>What the commands have in common that run scripts in processes.</summary>
public abstract partial class WorkerCommand : IpcCmdlet
{
    private const int MaxWorkers = 1024;

    /// <summary>What a job or a worker does before its first object.</summary>
    [Parameter]
    [ValidateNotNull]
    public ScriptBlock? Begin { get; set; }

    /// <summary>What a job or a worker does after its last object.</summary>
    [Parameter]
    [ValidateNotNull]
    public ScriptBlock? End { get; set; }

    /// <summary>The number of processes that share the input. The one that is free gets the next object.</summary>
    [Parameter]
    [Alias("ThrottleLimit")]
    [ValidateRange(1, MaxWorkers)]
    public int? Workers { get; set; }

    /// <summary>The outputs come in the order of their inputs.</summary>
    [Parameter]
    public SwitchParameter Ordered { get; set; }

    /// <summary>How many further workers get an object that has failed.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Retry { get; set; }

    /// <summary>How long a worker may take for one object.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? ItemTimeout { get; set; }

    /// <summary>The number of failed objects that ends the whole.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxFailures { get; set; }

    /// <summary>A script that runs in each process before the script, in the same session, and may define functions for it.</summary>
    [Parameter]
    [ValidateNotNull]
    public ScriptBlock? InitializationScript { get; set; }

    /// <summary>The folder that the script starts in.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? WorkingDirectory { get; set; }

    /// <summary>Environment variables of the processes, besides those of this session.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? Environment { get; set; }

    /// <summary>The pool that the processes are taken from, or its name.</summary>
    [Parameter]
    [IpcJobPoolTransformation]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(PoolCompleter))]
    public IpcJobPool? Pool { get; set; }

    /// <summary>Whether workers are asked for: several processes, or one that can be replaced.</summary>
    private protected bool HasWorkers =>
        Workers is not null || Ordered || Retry > 0 || ItemTimeout is not null || MaxFailures is not null;

    /// <summary>Checks the parameters that go with -Process only.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>.</exception>
    private protected void CheckFor(bool isPerItem)
    {
        if (isPerItem) return;
        if (Begin is not null || End is not null) throw IpcException.Argument("-Begin and -End need -Process.");
        if (Ordered) throw IpcException.Argument("-Ordered needs -Process, which says what an object's output is.");
    }

    /// <summary>What both kinds of commands start alike.</summary>
    /// <exception cref="IpcException">A folder does not exist; a variable's name is not allowed.</exception>
    /// <param name="hosts">The hosts that the processes run on, whose folders this one does not know; empty for this machine.</param>
    private protected JobStartInfo StartInfo(IReadOnlyList<SshHost> hosts) => new()
    {
        Script = "",
        Initialization = InitializationScript?.ToString(),
        Location = hosts.Count > 0 ? WorkingDirectory
            : WorkingDirectory is null ? SessionState.Path.CurrentFileSystemLocation.ProviderPath
            : JobPaths.FindFolder(WorkingDirectory, this),
        Environment = JobEnvironment.Of(Environment),
        Pool = Pool,
        Hosts = hosts,
        ConnectingTimeout = ConnectingTimeout < 0 ? null : TimeSpan.FromMilliseconds(ConnectingTimeout),
    };

    /// <summary>How the workers share the input.</summary>
    private protected WorkerOptions WorkerOptions(bool isPerItem, int defaultCount = 1) => new()
    {
        Count = Workers ?? defaultCount,
        Ordered = Ordered,
        Retry = Retry,
        ItemTimeout = ItemTimeout?.Value,
        MaxFailures = MaxFailures,
        IsPerItem = isPerItem,
        HasEnd = !isPerItem || End is not null,
    };
}
