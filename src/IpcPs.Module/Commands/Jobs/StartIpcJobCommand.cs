using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Jobs;

/// <summary><c>Start-IpcJob</c>: runs a script in a child process, as a PowerShell job with a channel. Jobs that are piped to each other
/// run side by side.</summary>
[Cmdlet(VerbsLifecycle.Start, "IpcJob", DefaultParameterSetName = nameof(ScriptBlock))]
[OutputType(typeof(IpcJob))]
public sealed class StartIpcJobCommand : WorkerCommand
{
    private IpcJob? _job;
    private JobInputWriter? _writer;
    private bool _written;
    private bool _isSource;

    /// <summary>The script block that the job runs.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = nameof(ScriptBlock))]
    [ValidateNotNull]
    public ScriptBlock ScriptBlock { get; set; } = null!;

    /// <summary>The script file that the job runs. This session reads it.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = nameof(FilePath))]
    [ValidateNotNullOrEmpty]
    public string? FilePath { get; set; }

    /// <summary>What the job does with each object of its input, which is <c>$_</c>: as with ForEach-Object.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(Process))]
    [ValidateNotNull]
    public ScriptBlock Process { get; set; } = null!;

    /// <summary>The arguments: the script block's <c>$args</c>, or the values of its parameters.</summary>
    [Parameter(ParameterSetName = nameof(ScriptBlock))]
    [Parameter(ParameterSetName = nameof(FilePath))]
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

    /// <summary>The transport of the input; or a channel that exists, or its address: what comes through it is the input.</summary>
    [Parameter]
    [IpcTargetTransformation]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(TransportCompleter))]
    public IpcTarget Via { get; set; } = IpcTarget.FromText("Pipe");

    /// <summary>How many jobs read the output. Each of them gets every object.</summary>
    [Parameter]
    [ValidateRange(1, JobBroadcast.MaxReaders)]
    public int? Broadcast { get; set; }

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
        var isPerItem = ParameterSetName == nameof(Process);
        CheckFor(isPerItem);
        var script = isPerItem ? Process : FilePath is null ? ScriptBlock : JobPaths.ReadScript(FilePath, this);
        var workers = HasWorkers ? Options(isPerItem) : null;
        return IpcJob.Start(StartInfo() with
        {
            Name = Name,
            Script = isPerItem ? ProcessScript.Of(Process, Begin, End, asWorker: workers is not null) : script.ToString(),
            Command = script.ToString(),
            Arguments = ArgumentList ?? [],
            Using = UsingValues.Of(this, InitializationScript, Begin, script, End),
            Workers = workers,
            Broadcast = Broadcast,
            Handles = [.. (Handle ?? []).Select(IpcTargetHandle.For)],
            Via = JobInputTransport.Factory(Via, piped),
        });
    }

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
