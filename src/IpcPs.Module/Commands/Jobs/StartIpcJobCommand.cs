using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Transformation;
using IpcPs.Ssh;

namespace IpcPs.Module.Commands.Jobs;

/// <summary><c>Start-IpcJob</c>: runs a script in a child process, as a PowerShell job with a channel. Jobs that are piped to each other
/// run side by side.</summary>
[Cmdlet(VerbsLifecycle.Start, "IpcJob", DefaultParameterSetName = nameof(ScriptBlock))]
[OutputType(typeof(IpcJob))]
public sealed class StartIpcJobCommand : WorkerCommand
{
    private readonly List<Started> _jobs = [];
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
        _isSource = piped;
        if (HostName is not null) Require(CheckWithHosts);
        var hosts = Require(() => Connect(HasWorkers ? Workers ?? 1 : null));
        if (HostName is null || HasWorkers)
        {
            Add(Require(() => Start(piped, hosts)), piped);
            return;
        }
        foreach (var host in hosts) Add(Require(() => Start(piped, [host])), piped);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!_isSource) return;
        if (InputObject?.BaseObject is IpcJob upstream)
        {
            foreach (var started in _jobs) Try(() => upstream.SendOutputTo(started.Job, unnoticed: _written), upstream);
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

    private IpcJob Start(bool piped, IReadOnlyList<SshHost> hosts)
    {
        var isPerItem = ParameterSetName == nameof(Process);
        CheckFor(isPerItem);
        var script = isPerItem ? Process : FilePath is null ? ScriptBlock : JobPaths.ReadScript(FilePath, this);
        var workers = HasWorkers ? WorkerOptions(isPerItem) : null;
        return IpcJob.Start(StartInfo(hosts) with
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

    private void Add(IpcJob job, bool piped)
    {
        WriteVerbose($"Started {job.Location} for the job '{job.Name}'{(piped ? $", with input through {Via}" : "")}.");
        _jobs.Add(new Started(job));
        if (piped) job.Input!.AddSource();
        job.Repository = JobRepository;
        JobRepository.Add(job);
    }

    private void CheckWithHosts()
    {
        if (Handle is not null)
            throw IpcException.Argument("An object of this machine cannot be passed on: -Handle and -HostName exclude each other.");
        if (MyInvocation.BoundParameters.ContainsKey(nameof(Via)) && !HasWorkers)
            throw IpcException.Argument("The input of a job on another host comes through ssh: -Via and -HostName exclude each other.");
    }

    private void Send()
    {
        foreach (var started in _jobs)
        {
            var (job, writer) = (started.Job, started.Writer);
            if (job.Input!.IsClosed) continue;
            Require(() =>
            {
                started.Writer = writer ??= job.Input.OpenWriter(StopToken);
                // A job may end before it has read all of its input, as Select-Object -First does. That is not an error.
                writer?.Write(InputObject);
            });
        }
    }

    private void CloseInput(bool flush)
    {
        if (!_isSource) return;
        _isSource = false;
        foreach (var started in _jobs)
        {
            if (flush && started.Writer is { } writer) Require(writer.Flush);
            started.Writer?.Dispose();
            started.Job.Input!.OnSourceOpened(asWriter: false);
            started.Job.Input.OnSourceEnded();
        }
    }

    private void Emit()
    {
        if (_written) return;
        _written = true;
        foreach (var started in _jobs) WriteObject(started.Job);
    }

    /// <summary>A job that was started, and what writes to it.</summary>
    private sealed class Started(IpcJob job)
    {
        public IpcJob Job => job;

        public JobInputWriter? Writer { get; set; }
    }
}
