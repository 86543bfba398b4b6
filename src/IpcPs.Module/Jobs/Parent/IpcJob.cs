using System.ComponentModel;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A job that runs in a child process of its own, over inherited pipes. A PowerShell job like any other (Get-Job, Receive-Job, Wait-Job, Stop-Job,
/// Remove-Job), and the channel to the child besides. Where the output of other jobs is its input, those are its child jobs.</summary>
public sealed class IpcJob : Job2
{
    /// <summary>How long a child has between TERM and KILL: time for the finally blocks of its script.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly object _guard = new();
    // Taken before the other one: handlers of DataAdded run under it, and they ask the job things.
    private readonly object _outputGuard = new();
    private readonly JobConnection _launch;
    private readonly JobReceiver _receiver;
    private readonly JobControl _control;
    private readonly JobInputLink? _inlet;
    private OutputRedirector? _outlet;
    private bool _stopRequested;
    private bool _readerGone;
    private bool _killed;
    private bool _announcing;
    private bool _finishing;
    private bool _disposed;

    private IpcJob(JobStartInfo plan) : base(plan.Script.Trim(), plan.Name)
    {
        PSJobTypeName = nameof(IpcJob);
        Output = new ListCollection<PSObject>(new ConsumableList<PSObject>());
        Error = new ListCollection<ErrorRecord>(new ConsumableList<ErrorRecord>());
        Warning = new ListCollection<WarningRecord>(new ConsumableList<WarningRecord>());
        Verbose = new ListCollection<VerboseRecord>(new ConsumableList<VerboseRecord>());
        Debug = new ListCollection<DebugRecord>(new ConsumableList<DebugRecord>());
        Information = new ListCollection<InformationRecord>(new ConsumableList<InformationRecord>());
        Progress = new ListCollection<ProgressRecord>(new ConsumableList<ProgressRecord>());
        _launch = new JobConnection(plan);
        _control = new JobControl(_launch.Control);
        _control.Send(JobStreamId.Order, _launch.Order.ToBag());
        if (_launch.Input is { } link) _inlet = new JobInputLink(plan.Via!, link, _control);
        _receiver = new JobReceiver(this, _launch);
        SetJobState(JobState.Running);
        _receiver.Start();
    }

    /// <summary>The channel to the child: what is sent here, the child receives from <c>$IpcParent</c>, and the other way round. It stays open when the job has
    /// ended, for what was not received yet, until the job is removed.</summary>
    public IpcChannel Channel => _launch.Channel;

    /// <summary>The child's process id.</summary>
    public int ProcessId => _launch.Child.Id;

    /// <summary>What the script passed to <c>exit</c>, else 0 or, where it failed, 1; 128 and the signal's number where one ended the child. Null while it runs.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>The name of the signal that ended the child, without SIG; null where none did.</summary>
    public string? Signal => _launch.Child.Exit?.SignalName;

    /// <summary>Why the job failed; null where it did not. Of a pipeline of jobs, the failure of the stage that failed.</summary>
    public ErrorRecord? Failure { get; private set; }

    /// <inheritdoc/>
    public override string Location => $"process {ProcessId}";

    /// <inheritdoc/>
    public override string StatusMessage => Failure?.Exception.Message ?? "";

    /// <inheritdoc/>
    public override bool HasMoreData =>
        !IsFinished || Output.Count + Error.Count + Warning.Count + Verbose.Count + Debug.Count + Information.Count + Progress.Count > 0 || Stages.Any(static s => s.HasMoreData);

    /// <summary>The jobs whose output is this one's input.</summary>
    internal IReadOnlyList<IpcJob> Stages
    {
        get
        {
            lock (_guard) return [.. ChildJobs.Cast<IpcJob>()];
        }
    }

    internal IpcJobSourceAdapter? Adapter { get; set; }

    /// <summary>What is piped to it from this process; null where nothing is.</summary>
    internal JobInputLink? Inlet => _inlet;

    private bool IsFinished => JobStateInfo.State is JobState.Completed or JobState.Failed or JobState.Stopped;

    /// <summary>Starts the child. The job is running when this returns, and not yet known to Get-Job.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or no PowerShell is found.</exception>
    internal static IpcJob Start(JobStartInfo plan) => new(plan);

    /// <inheritdoc/>
    public override void StartJob() => throw new InvalidJobStateException("An IpcJob runs from the beginning and once.");

    /// <inheritdoc/>
    public override void StartJobAsync() => OnStartJobCompleted(new AsyncCompletedEventArgs(new InvalidJobStateException("An IpcJob runs from the beginning and once."), false, this));

    /// <summary>Ends the child and the stages before it: with TERM, so that finally blocks run, then with KILL. Returns when they have ended.</summary>
    public override void StopJob()
    {
        if (IsFinished) return;
        foreach (var stage in Stages) stage.RequestStop();
        RequestStop();
        if (!Finished.WaitOne(Grace)) Kill();
        Finished.WaitOne();
    }

    /// <inheritdoc/>
    public override void StopJob(bool force, string reason) => StopJob();

    /// <inheritdoc/>
    public override void StopJobAsync() => new Thread(() =>
    {
        StopJob();
        OnStopJobCompleted(new AsyncCompletedEventArgs(null, false, this));
    })
    { IsBackground = true, Name = $"IpcPs stops {Name}" }.Start();

    /// <inheritdoc/>
    public override void StopJobAsync(bool force, string reason) => StopJobAsync();

    /// <inheritdoc/>
    public override void SuspendJob() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void SuspendJob(bool force, string reason) => throw CannotSuspend();

    /// <inheritdoc/>
    public override void SuspendJobAsync() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void SuspendJobAsync(bool force, string reason) => throw CannotSuspend();

    /// <inheritdoc/>
    public override void ResumeJob() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void ResumeJobAsync() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void UnblockJob() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void UnblockJobAsync() => throw CannotSuspend();

    /// <summary>Sends this job's output, also what came before and was not received, straight to another one.</summary>
    /// <param name="next">The job that reads it.</param>
    /// <param name="unnoticed">See <see cref="OutputRedirector.GoesUnnoticed"/>.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: it goes to another job already.</exception>
    internal void SendOutputTo(IpcJob next, bool unnoticed)
    {
        bool hasEnded;
        lock (_outputGuard)
        {
            lock (_guard)
            {
                if (_outlet is not null)
                    throw new IpcException(IpcErrors.InvalidOperation, $"The output of job '{Name}' goes to job '{_outlet.Next.Name}' already.", Name, "Let that job pass on what several should get.");
                _outlet = new OutputRedirector(this, next, _control, unnoticed);
                hasEnded = _finishing;
            }
        }
        next.AddStage(this);
        Adapter?.Forget(this);
        if (hasEnded) _outlet.Ended();
        else _outlet.Begin();
    }

    /// <summary>The child has opened the link, and everything it wrote before is here.</summary>
    internal void OutputRedirected() => _outlet?.Redirected();

    /// <summary>Takes an object of the child's output.</summary>
    internal void AddOutput(PSObject value)
    {
        lock (_outputGuard)
        {
            if (_outlet is { } outlet)
            {
                outlet.Hold(value);
                return;
            }
            try
            {
                Output.Add(value);
            }
            catch (Exception e) when (e is ObjectDisposedException or PSInvalidOperationException)
            {
                // The job was removed meanwhile.
            }
        }
    }

    /// <summary>Adds an error of the job's own.</summary>
    internal void AddError(ErrorRecord error)
    {
        try
        {
            StreamsTo.Error.Add(error);
        }
        catch (Exception e) when (e is ObjectDisposedException or PSInvalidOperationException)
        {
            // Ended meanwhile.
        }
    }

    /// <summary>The child could not open the link to the next job.</summary>
    /// <returns>Whether that is because the next job has ended.</returns>
    internal bool HasNoReader() => _outlet is null || _outlet.HasNoReader(Grace);

    /// <summary>The job that reads this one's output has ended.</summary>
    internal void EndForLackOfReader()
    {
        lock (_guard)
        {
            if (_readerGone || IsFinished) return;
            _readerGone = true;
        }
        _control.Send(JobStreamId.ReaderGone);
    }

    /// <summary>Waits for the end; a child that does not come to it is killed.</summary>
    internal void WaitForEnd()
    {
        if (!Finished.WaitOne(Grace)) Kill();
        Finished.WaitOne();
    }

    /// <summary>Everything has come from the child, and it has ended: says how, and lets go of it.</summary>
    internal void Finish(JobEnd end)
    {
        _inlet?.Close();
        var stages = Stages;
        foreach (var stage in stages) stage.EndForLackOfReader();
        foreach (var stage in stages) stage.WaitForEnd();
        _inlet?.Dispose();
        OutputRedirector? outlet;
        JobState state;
        lock (_guard)
        {
            _finishing = true;
            while (_announcing) Monitor.Wait(_guard);
            outlet = _outlet;
            state = _stopRequested || (_killed && !end.IsReported) ? JobState.Stopped : end.State;
            ExitCode = end.ExitCode;
        }
        if (state == JobState.Failed) Reason = Fail(end);
        else if (state == JobState.Completed && stages.FirstOrDefault(static s => s.JobStateInfo.State == JobState.Failed) is { } failed)
        {
            state = JobState.Failed;
            Failure = failed.Failure;
            Reason = failed.Reason;
        }
        _control.Dispose();
        _launch.Dispose();
        outlet?.Ended();
        CompleteStreams();
        // Before others hear of the end: who counts descriptors then finds none of ours.
        _launch.Child.Dispose();
        // A stage's failure is told once, by the last job, to whoever receives from that.
        SetState(state, outlet is null ? Reason : null);
    }

    /// <summary>The job whose streams this one's errors and the like go to.</summary>
    internal IpcJob StreamsTo => _outlet is { GoesUnnoticed: true } outlet ? outlet.Next.StreamsTo : this;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_guard)
            {
                if (_disposed) return;
                _disposed = true;
            }
            if (!IsFinished) Kill();
            _launch.Channel.Dispose();
            foreach (var stage in Stages) stage.Dispose();
        }
        base.Dispose(disposing);
    }

    // Protected in PowerShell; missing from the reference assembly that the module is compiled against.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetJobState")]
    private static extern void SetState(Job2 job, JobState state, Exception? reason);

    private static PSNotSupportedException CannotSuspend() => new("An IpcJob cannot be suspended. Send its process the signal STOP, and CONT to go on.");

    private Exception? Reason { get; set; }

    private void AddStage(IpcJob stage)
    {
        lock (_guard) ChildJobs.Add(stage);
    }

    private void RequestStop()
    {
        lock (_guard)
        {
            if (_stopRequested || _finishing) return;
            _stopRequested = _announcing = true;
        }
        // Not under the lock, as others are told; and not after the final state.
        SetState(JobState.Stopping, null);
        lock (_guard)
        {
            _announcing = false;
            Monitor.PulseAll(_guard);
        }
        _launch.Child.Signal(15);
    }

    private void Kill()
    {
        lock (_guard) _killed = true;
        _launch.Child.SignalGroup(9);
        foreach (var stage in Stages) stage.Kill();
    }

    private IpcException? Fail(JobEnd end)
    {
        var where = Describe();
        if (end.Error is { } error)
        {
            // The error itself is in the error stream; of a stage, the last job says which one it was.
            Failure = error;
            return _outlet is null ? null : new IpcException(IpcErrors.JobFailed, $"{where} failed: {error.Exception.Message}", Name);
        }
        var reason = new IpcException(IpcErrors.JobFailed, $"{where} {end.What}", Name);
        Failure = ErrorRecords.ToRecord(reason, this);
        return reason;
    }

    /// <summary>"Job 'Job1' (process 4711)", and which stage it is where it is one of several.</summary>
    private string Describe()
    {
        var last = this;
        while (last._outlet is { } outlet) last = outlet.Next;
        var job = $"ob '{Name}' (process {ProcessId})";
        var total = last.Depth();
        return total == 1 ? "J" + job : $"Stage {Depth()} of {total}, j{job},";
    }

    private int Depth() => 1 + Stages.Select(static s => s.Depth()).DefaultIfEmpty(0).Max();

    private void SetState(JobState state, Exception? reason)
    {
        try
        {
            SetState(this, state, reason);
        }
        catch (ObjectDisposedException)
        {
            // Removed meanwhile: nobody is interested any more.
        }
    }

    private void CompleteStreams()
    {
        Output.Complete();
        Error.Complete();
        Warning.Complete();
        Verbose.Complete();
        Debug.Complete();
        Information.Complete();
        Progress.Complete();
    }
}
