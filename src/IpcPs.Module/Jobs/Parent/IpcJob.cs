using System.Management.Automation;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Jobs.Workers;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A PowerShell job that runs in a child process, or in several that share its input. The usual commands work on it: Get-Job,
/// Receive-Job, Wait-Job, Stop-Job, Remove-Job. Its child jobs are the jobs whose output is its input.</summary>
public sealed partial class IpcJob : Job
{
    /// <summary>The time between TERM and KILL, for the finally blocks of the script and for the programs that it started.</summary>
    internal static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    // In place of a request to stop, when the job has ended.
    private static readonly TaskCompletionSource TooLate = new();

    // For _outputState and _redirector. Held while handlers of Output.DataAdded run, so what such a handler may ask or do must not need it:
    // no property, and no request to stop.
    private readonly object _outputGuard = new();
    private readonly IJobBody _body;
    private readonly JobBroadcast? _broadcast;
    private OutputState _outputState = OutputState.Buffering;
    private OutputRedirector? _redirector;
    // The first request to stop, complete when the state Stopping was announced; or TooLate. So no other state follows the final one.
    private TaskCompletionSource? _stop;
    private volatile bool _killed;
    // The thread that announces the end, and whether the job was removed meanwhile.
    private readonly object _announcement = new();
    private int _announcer;
    private bool _isRemoved;
    private volatile IReadOnlyList<IpcJob> _stages = [];
    private volatile IReadOnlyList<JobBroadcast> _broadcastsRead = [];

    private IpcJob(JobStartInfo start) : base((start.Command ?? start.Script).Trim(), start.Name)
    {
        PSJobTypeName = nameof(IpcJob);
        Streams = new JobStreams(this);
        if (start.Broadcast is { } readers)
        {
            _broadcast = new JobBroadcast(this, readers);
            _redirector = new OutputRedirector(this, _broadcast);
            _outputState = OutputState.Redirecting;
        }
        try
        {
            _body = start.CreateBody(this, _redirector?.Message);
        }
        catch
        {
            _broadcast?.Output.Dispose();
            throw;
        }
        SetJobState(JobState.Running);
        _body.Start();
    }

    /// <summary>Where the child's output goes.</summary>
    private enum OutputState
    {
        /// <summary>To this process, into Output.</summary>
        Buffering,

        /// <summary>Other jobs read it, but the child has not opened the transport to them yet. What comes here is held.</summary>
        Redirecting,

        /// <summary>The child has opened the transport and writes to the other job's child.</summary>
        Redirected,

        /// <summary>The child has ended, and all of its output has come.</summary>
        Ended,
    }

    /// <summary>The channel to the child: its other end is the child's <c>$IpcParent</c>. It stays open until the job is removed, so that
    /// messages can still be received when the job has ended. Null for a job with workers, each of which has one.</summary>
    public IpcChannel? Channel => _body.Channel;

    /// <summary>The child's process id. Null for a job with workers, and for a job on another host, whose <see cref="Location"/> has
    /// it.</summary>
    public int? ProcessId => _body.ProcessId;

    /// <summary>The host that the job runs on (-HostName). Null for a job of this machine, and for a job with workers, each of which has
    /// one.</summary>
    public string? HostName => _body.HostName;

    /// <summary>The workers that share the input (-Workers), as they are now; empty for a job with one process.</summary>
    public IReadOnlyList<IpcJobWorker> Workers => _body.Workers?.Workers ?? [];

    /// <summary>How many items the workers have finished, failed ones included; null without workers.</summary>
    public long? ItemsDone => _body.Workers?.ItemsDone;

    /// <summary>How many items failed; null without workers.</summary>
    public long? ItemsFailed => _body.Workers?.ItemsFailed;

    /// <summary>How many items workers have now; null without workers.</summary>
    public int? ItemsInFlight => _body.Workers?.ItemsInFlight;

    /// <summary>The exit code: the argument of <c>exit</c>; 0, or 1 for a script that failed; 128 plus the number of the signal that ended
    /// the child. Null while the child runs.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>The name of the signal that ended the child, without SIG; null if no signal did.</summary>
    public string? Signal => _body.Signal;

    /// <summary>The state, and why the job failed. The reason of a script that threw is hidden from Receive-Job, which would report it a
    /// second time, without its id: it has it from the error stream.</summary>
    public new JobStateInfo JobStateInfo => Failure is { } failure && base.JobStateInfo is { State: JobState.Failed, Reason: null } known
        ? new(known.State, failure.Exception) : base.JobStateInfo;

    /// <summary>Why the job failed; null if it did not. In a pipeline of jobs, the failure of the stage that failed.</summary>
    public ErrorRecord? Failure { get; private set; }

    /// <inheritdoc/>
    public override string Location => _body.Location;

    /// <inheritdoc/>
    public override string StatusMessage => Failure?.Exception.Message ?? "";

    /// <inheritdoc/>
    public override bool HasMoreData =>
        !IsFinished || Streams.HasRecords || _stages.Any(static s => s.HasMoreData);

    /// <summary>Where the session finds the job; null if it does not know it.</summary>
    internal JobRepository? Repository { get; set; }

    /// <summary>The records that came from the child.</summary>
    internal JobStreams Streams { get; }

    /// <summary>The workers; null for a job with one process.</summary>
    internal WorkerGroup? Group => _body.Workers;

    /// <summary>What is piped to the job; null if nothing is.</summary>
    internal JobInputTransport? Input => _body.Input;

    /// <summary>The streams that get this job's errors, warnings and so on: its own, or another job's.</summary>
    internal JobStreams StreamsTo => _redirector is { IsUnnoticed: true } redirector ? redirector.Next!.StreamsTo : Streams;

    /// <summary>Whether there was a request to stop.</summary>
    internal bool IsStopping => _stop is { } stop && stop != TooLate;

    private Exception? Reason { get; set; }

    private bool IsFinished => JobStateInfo.State is JobState.Completed or JobState.Failed or JobState.Stopped;

    /// <summary>Starts the child. The job is running when this returns. Get-Job does not know it yet.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    internal static IpcJob Start(JobStartInfo start) => new(start);

    /// <summary>Ends the children of this job and of the stages before it, with all programs that their scripts started: with TERM, so that
    /// finally blocks run, and after 3 seconds with KILL. Returns when they have ended.</summary>
    public override void StopJob()
    {
        if (IsFinished) return;
        foreach (var stage in _stages) stage.RequestStop();
        RequestStop();
        WaitForEnd();
    }

    /// <summary>An object of the child's output has come.</summary>
    internal void AddOutput(PSObject value)
    {
        lock (_outputGuard)
        {
            if (_outputState == OutputState.Buffering) Streams.Add(value);
            else _redirector!.Hold(value);
        }
    }

    /// <summary>Adds an error of the job's own.</summary>
    internal void AddError(ErrorRecord error) => StreamsTo.Add(error);

    /// <summary>The job that reads this one's output has ended.</summary>
    internal void EndForLackOfReader() => _body.EndForLackOfReader();

    /// <summary>Waits for the end. Kills a child that does not end in time.</summary>
    internal void WaitForEnd()
    {
        if (!Finished.WaitOne(Grace)) Kill();
        Finished.WaitOne();
    }

    /// <summary>The child has ended, and everything that it sent has come. Sets the final state and releases the child.</summary>
    internal void Finish(JobEnd end)
    {
        Input?.Close();
        var stages = _stages;
        foreach (var stage in stages) stage.EndForLackOfReader();
        foreach (var stage in stages) stage.WaitForEnd();
        foreach (var broadcast in _broadcastsRead) broadcast.OnReaderEnded(this);
        Input?.Dispose();
        OutputState last;
        lock (_outputGuard)
        {
            last = _outputState;
            _outputState = OutputState.Ended;
        }
        var state = WasStopped() || (_killed && !end.IsReported) ? JobState.Stopped : end.State;
        ExitCode = end.ExitCode;
        if (state == JobState.Failed) Reason = Fail(end);
        else if (state == JobState.Completed && FailedSource() is { } failed)
        {
            state = JobState.Failed;
            Failure = failed.Failure;
            Reason = failed.Reason;
        }
        _body.Disconnect();
        if (state != JobState.Completed) _broadcast?.Cancel();
        if (last is OutputState.Redirecting or OutputState.Redirected) _redirector!.OnChildEnded(opened: last == OutputState.Redirected);
        _broadcast?.OnSourceEnded();
        Streams.Complete();
        // Before the state changes: a caller that then counts descriptors finds none of the job's.
        _body.Release();
        // Receive-Job reports the reason of each job that it receives from. Of a pipeline, that is the last job. A job with a broadcast is
        // received from by itself, and the error that ended its script is in its error stream.
        AnnounceEnd(state, (_broadcast is null ? last is OutputState.Buffering : end.Error is null) ? Reason : null);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (!IsFinished) Kill();
            _body.Dispose();
            _broadcast?.OnSourceRemoved();
            foreach (var stage in _stages) stage.Dispose();
            Streams.Dispose();
            StayKnownWhileAnnounced();
        }
        base.Dispose(disposing);
    }

    // Receive-Job -AutoRemoveJob removes a job twice if it ends at the moment in which its earlier output is written: in the pipeline, and
    // in the handler of the change of state, which waits for the pipeline. The second time, it would report that the job does not exist.
    private void AnnounceEnd(JobState state, Exception? reason)
    {
        lock (_announcement) _announcer = Environment.CurrentManagedThreadId;
        SetState(state, reason);
        lock (_announcement)
        {
            _announcer = 0;
            if (_isRemoved && Repository!.GetJob(InstanceId) is not null) Repository.Remove(this);
        }
    }

    private void StayKnownWhileAnnounced()
    {
        lock (_announcement)
        {
            if (_announcer == 0 || _announcer == Environment.CurrentManagedThreadId) return;
            if (_isRemoved || Repository is null || Repository.GetJob(InstanceId) is not null) return;
            _isRemoved = true;
            Repository.Add(this);
        }
    }

    private void RequestStop()
    {
        var stop = new TaskCompletionSource();
        if (Interlocked.CompareExchange(ref _stop, stop, null) is not null) return;
        try
        {
            SetState(JobState.Stopping, null);
        }
        finally
        {
            stop.SetResult();
        }
        _body.RequestStop();
    }

    /// <summary>Whether there was a request to stop. From now on there can be none.</summary>
    private bool WasStopped()
    {
        var stop = Interlocked.CompareExchange(ref _stop, TooLate, null);
        stop?.Task.Wait();
        return stop is not null;
    }

    private void Kill()
    {
        _killed = true;
        _body.Kill();
        foreach (var stage in _stages) stage.Kill();
    }

    private IpcException? Fail(JobEnd end)
    {
        var where = Describe();
        if (end.Error is { } error)
        {
            // The error itself is in the error stream. For a stage, the last job names the stage.
            Failure = error;
            return _redirector is null ? null : new IpcException(IpcErrors.JobFailed, $"{where} failed: {error.Exception.Message}", Name);
        }
        var reason = new IpcException(end.Id ?? IpcErrors.JobFailed, $"{where} {end.What}", Name);
        Failure = ErrorRecords.ToRecord(reason, this);
        return reason;
    }

    private void SetState(JobState state, Exception? reason)
    {
        try
        {
            JobStates.Set(this, state, reason);
        }
        catch (ObjectDisposedException)
        {
            // The job was removed.
        }
    }
}
