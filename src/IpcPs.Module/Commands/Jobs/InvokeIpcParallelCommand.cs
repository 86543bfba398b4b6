using System.Management.Automation;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Workers;
using IpcPs.Module.Transformation;
using IpcPs.Ssh;

namespace IpcPs.Module.Commands.Jobs;

/// <summary><c>Invoke-IpcParallel</c>: runs a script block once for each input object, in several processes. It gives output while it takes
/// input.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "IpcParallel", DefaultParameterSetName = StreamSet)]
[OutputType(typeof(PSObject))]
[OutputType(typeof(IpcJob), ParameterSetName = [JobSet])]
public sealed class InvokeIpcParallelCommand : WorkerCommand
{
    private const string StreamSet = "Stream";
    private const string JobSet = "AsJob";

    /// <summary>After Ctrl+C, all workers have ended within a second.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(0.7);

    /// <summary>How often a progress bar changes while nothing else happens.</summary>
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(0.25);

    private readonly JobSerializer _encoder = new();
    private readonly JobSerializer _decoder = new();
    private WorkerGroup? _group;
    private WorkerLog? _log;
    private WorkerProgress? _progress;
    private IpcJob? _job;
    private bool _isJobWritten;
    private bool _hasStarted;

    /// <summary>What is done with each input object, which is <c>$_</c>.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNull]
    public ScriptBlock Process { get; set; } = null!;

    /// <summary>The input objects.</summary>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public PSObject? InputObject { get; set; }

    /// <summary>How long the whole may take.</summary>
    [Parameter]
    [Alias("TimeoutSeconds")]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>A file that gets a line for each object that is finished.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Log { get; set; }

    /// <summary>Leaves out the objects that the log has as done.</summary>
    [Parameter]
    public SwitchParameter Resume { get; set; }

    /// <summary>Shows a progress bar.</summary>
    [Parameter(ParameterSetName = StreamSet)]
    public SwitchParameter Progress { get; set; }

    /// <summary>Runs it as a job.</summary>
    [Parameter(Mandatory = true, ParameterSetName = JobSet)]
    public SwitchParameter AsJob { get; set; }

    /// <summary>The name of the job.</summary>
    [Parameter(ParameterSetName = JobSet)]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (Resume && Log is null)
            Require(() => throw IpcException.Argument("-Resume reads the log of an earlier run: name it with -Log."));
        if (Log is not null) _log = Require(() => WorkerLog.Open(GetUnresolvedProviderPathFromPSPath(Log), Resume));
        // Before it is known how much work there is.
        var count = Workers ?? HostName?.Length ?? System.Environment.ProcessorCount;
        var hosts = Require(() => Connect(count));
        var start = Require(() => WorkersInfo(count, hosts));
        if (AsJob)
        {
            _job = Require(() => IpcJob.Start(start));
            _group = _job.Group!;
            _job.Repository = JobRepository;
            JobRepository.Add(_job);
        }
        else
        {
            _group = new WorkerGroup(start, start.Workers!);
            if (Progress) _progress = new WorkerProgress(_group, MyInvocation.MyCommand.Name);
            Require(_group.Start);
        }
        _hasStarted = true;
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        WriteJob();
        var text = _log is null ? null : WorkerLog.TextOf(InputObject);
        if (_log?.IsDone(text!) == true) return;
        var payload = Require(() => _encoder.Encode(InputObject, StopToken).ToArray());
        while (!Require(() => _group!.TryAdd(payload, text)))
        {
            if (!AsJob && WriteResults()) continue;
            WaitFor(static (group, wait, orResult) => group.WaitForRoom(orResult, wait));
        }
        if (AsJob) return;
        WriteResults();
        if (_group!.IsClosed) Finish();
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        WriteJob();
        _group!.CompleteInput();
        if (!AsJob) Finish();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !AsJob) EndWorkers();
        // The job closes its log itself.
        if (disposing && !(AsJob && _hasStarted)) _log?.Dispose();
        base.Dispose(disposing);
    }

    private JobStartInfo WorkersInfo(int count, IReadOnlyList<SshHost> hosts) => StartInfo(hosts) with
    {
        Name = Name,
        Script = ProcessScript.Of(Process, Begin, End, asWorker: true),
        Command = Process.ToString(),
        Using = UsingValues.Of(this, InitializationScript, Begin, Process, End),
        Workers = WorkerOptions(isPerItem: true, count) with
        {
            Timeout = Timeout?.Value,
            Log = _log,
            IsInputAdded = true,
            // A begin block may do what must be done even without input. A login without a process ends after a while.
            StartOnDemand = Begin is null && End is null && hosts.Count == 0,
            Grace = AsJob ? IpcJob.Grace : Grace,
        },
    };

    private void WriteJob()
    {
        if (_job is null || _isJobWritten) return;
        _isJobWritten = true;
        WriteObject(_job);
    }

    /// <summary>Writes the results that are there.</summary>
    /// <returns>Whether there were any.</returns>
    private bool WriteResults()
    {
        var any = false;
        while (_group!.TryTake(out var result))
        {
            any = true;
            if (result.Output is { } output) WriteObject(Require(() => _decoder.Decode(output, StopToken)));
            if (result.Record is { } record) WriteRecord(record);
            if (!result.IsEnd) continue;
            if (result.Item!.Failure is { } failure) WriteError(failure);
            if (_log is not null) Require(() => _log.Add(result.Item));
        }
        WriteProgress();
        return any;
    }

    private void WriteRecord(object record)
    {
        switch (record)
        {
            case ErrorRecord error:
                WriteError(error);
                break;
            case WarningRecord warning:
                WriteWarning(warning.Message);
                break;
            case VerboseRecord verbose:
                WriteVerbose(verbose.Message);
                break;
            case DebugRecord debug:
                WriteDebug(debug.Message);
                break;
            case InformationRecord information:
                WriteInformation(information);
                break;
            case ProgressRecord progress:
                WriteProgress(progress);
                break;
        }
    }

    private void WriteProgress()
    {
        if (_progress?.Next() is { } record) WriteProgress(record);
    }

    private bool WaitFor(Func<WorkerGroup, WaitOptions, bool, bool> wait)
    {
        var deadline = _progress is null ? Deadline.Infinite : Deadline.After(ProgressInterval);
        var result = Require(() => wait(_group!, new WaitOptions(deadline, StopToken), !AsJob));
        WriteProgress();
        return result;
    }

    /// <summary>Writes all results to the end.</summary>
    private void Finish()
    {
        while (!_group!.IsFinished)
        {
            WriteResults();
            WaitFor(static (group, wait, _) => group.WaitForResult(wait));
        }
        WriteResults();
        if (_progress?.Last() is { } last) WriteProgress(last);
        if (_group.HasFailed)
            Require(() => throw new IpcException(_group.End.Id ?? IpcErrors.JobFailed, $"{MyInvocation.MyCommand.Name} {_group.End.What}"));
    }

    /// <summary>Ends the workers that still run: after Ctrl+C, or where the next command of the pipeline wants no more.</summary>
    private void EndWorkers()
    {
        if (_group is null) return;
        if (_hasStarted)
        {
            _group.Stop();
            while (!_group.IsFinished)
            {
                while (_group.TryTake(out _)) continue;
                _group.WaitForResult(Deadline.Infinite);
            }
        }
        _group.Dispose();
    }
}
