using System.Management.Automation;
using IpcPs.Mechanisms;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Workers;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Jobs;

/// <summary><c>Start-IpcJob</c>: runs a script in a child process, as a PowerShell job with a channel. Jobs that are piped to each other
/// run side by side.</summary>
[Cmdlet(VerbsLifecycle.Start, "IpcJob", DefaultParameterSetName = BlockSet)]
[OutputType(typeof(IpcJob))]
public sealed class StartIpcJobCommand : IpcCmdlet
{
    private const string BlockSet = "ScriptBlock";
    private const string ProcessSet = "Process";
    private const int MaxWorkers = 1024;

    private IpcJob? _job;
    private JobInputWriter? _writer;
    private bool _written;
    private bool _isSource;

    /// <summary>The script block that the job runs.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = BlockSet)]
    [ValidateNotNull]
    public ScriptBlock ScriptBlock { get; set; } = null!;

    /// <summary>What the job does with each object of its input, which is <c>$_</c>: as with ForEach-Object.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ProcessSet)]
    [ValidateNotNull]
    public ScriptBlock Process { get; set; } = null!;

    /// <summary>What the job does before the first object.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    [ValidateNotNull]
    public ScriptBlock? Begin { get; set; }

    /// <summary>What the job does after the last object.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    [ValidateNotNull]
    public ScriptBlock? End { get; set; }

    /// <summary>The arguments: the script block's <c>$args</c>, or the values of its parameters.</summary>
    [Parameter(ParameterSetName = BlockSet)]
    [Alias("Args")]
    [AllowNull]
    [AllowEmptyCollection]
    public object?[]? ArgumentList { get; set; }

    /// <summary>The script's <c>$input</c>: values, or IpcJobs. The output of an IpcJob goes directly to the script.</summary>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public PSObject? InputObject { get; set; }

    /// <summary>The name of the job.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>More IPC objects for the child: its <c>$IpcHandles</c>. The child inherits pipes, and opens other objects by their
    /// address.</summary>
    [Parameter]
    [IpcTargetTransformation]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget[]? Handle { get; set; }

    /// <summary>The transport of the input.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(TransportCompleter))]
    public string Via { get; set; } = "Pipe";

    /// <summary>The number of processes that share the input. Whoever is free gets the next object.</summary>
    [Parameter]
    [Alias("ThrottleLimit")]
    [ValidateRange(1, MaxWorkers)]
    public int? Workers { get; set; }

    /// <summary>The outputs come in the order of their inputs.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    public SwitchParameter Ordered { get; set; }

    /// <summary>How many further workers get an object that has failed.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Retry { get; set; }

    /// <summary>How long a worker may take for one object.</summary>
    [Parameter]
    public IpcTimeout? ItemTimeout { get; set; }

    /// <summary>The number of failed objects that ends the job.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxFailures { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        var piped = MyInvocation.ExpectingInput || MyInvocation.BoundParameters.ContainsKey(nameof(InputObject));
        _job = Require(() => Start(piped));
        WriteVerbose($"Started {_job.Location} for the job '{_job.Name}'{(piped ? $", with input through {Via}" : "")}.");
        if (piped)
        {
            _job.Input!.AddSource();
            _isSource = true;
        }
        _job.Repository = JobRepository;
        JobRepository.Add(_job);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!_isSource) return;
        if (InputObject?.BaseObject is IpcJob upstream)
        {
            Try(() => upstream.SendOutputTo(_job!, unnoticed: _written), upstream);
            Emit();
            return;
        }
        // First, so that the next commands of the pipeline work while input still comes.
        Emit();
        Send();
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        CloseInput(flush: true);
        Emit();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) CloseInput(flush: false);
        base.Dispose(disposing);
    }

    private IpcJob Start(bool piped)
    {
        // Also if nothing is piped: an unknown name is an error.
        var via = IpcMechanisms.Transport(Via);
        var isPerItem = ParameterSetName == ProcessSet;
        var workers = WorkerOptions(isPerItem);
        return IpcJob.Start(new JobStartInfo
        {
            Name = Name,
            Script = isPerItem ? ProcessScript.Of(Process, Begin, End, asWorker: workers is not null) : ScriptBlock.ToString(),
            Command = isPerItem ? Process.ToString() : null,
            Arguments = ArgumentList ?? [],
            Using = UsingValues.Of(this, isPerItem ? [Begin, Process, End] : [ScriptBlock]),
            Workers = workers,
            Location = SessionState.Path.CurrentFileSystemLocation.ProviderPath,
            Handles = [.. (Handle ?? []).Select(IpcTargetHandle.For)],
            Via = piped ? via : null,
        });
    }

    /// <summary>Null for one process, unless what was asked for needs one that can be replaced.</summary>
    private WorkerOptions? WorkerOptions(bool isPerItem) =>
        Workers is null && !Ordered && Retry == 0 && ItemTimeout is null && MaxFailures is null ? null : new WorkerOptions
        {
            Count = Workers ?? 1,
            Ordered = Ordered,
            Retry = Retry,
            ItemTimeout = ItemTimeout?.Value,
            MaxFailures = MaxFailures,
            IsPerItem = isPerItem,
        };

    private void Send()
    {
        if (_job!.Input!.IsClosed) return;
        Require(() =>
        {
            _writer ??= _job.Input.OpenWriter(StopToken);
            // A job may end before it has read all of its input, as Select-Object -First does. That is not an error.
            _writer?.Write(InputObject);
        });
    }

    private void CloseInput(bool flush)
    {
        if (!_isSource) return;
        _isSource = false;
        if (flush && _writer is not null) Require(_writer.Flush);
        _writer?.Dispose();
        _job!.Input!.OnSourceOpened(asWriter: false);
        _job.Input.OnSourceEnded();
    }

    private void Emit()
    {
        if (_written) return;
        _written = true;
        WriteObject(_job);
    }
}
