using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.InteropServices;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Runs a job's script in the child: the runspace, the streams to the parent, and the end, which the script or the parent
/// causes.</summary>
internal sealed class JobSession : IDisposable
{
    /// <summary>The time for the script's finally blocks and programs after its parent has ended.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    /// <summary>What a shell gives for the end by TERM.</summary>
    private const int StoppedExitCode = 128 + 15;

    private readonly IpcChannel _control;
    private readonly IpcChannel _passed;
    private readonly JobSerializer _serializer = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ManualResetEventSlim _done = new();
    private readonly RecordSender _records;
    private readonly JobOutput _output;
    private readonly ProgressFilter _progress = new();
    // What the script's thread has to do: a PrepareMessage, a StartMessage, or why there is neither.
    private readonly BlockingCollection<object> _orders = [];
    private int[] _descriptors = [];
    private readonly AttachedBroadcasts _broadcasts;
    private IJobInput? _input;
    private WorkerInput? _items;
    private ScriptStopper? _stopper;
    private bool _isStopRequested;
    private long _parentEnd;

    public JobSession(IpcChannel control, IpcChannel records, IpcChannel passed)
    {
        _control = control;
        _passed = passed;
        // Not cancelled by a stop: records from finally blocks still reach the parent.
        _records = new RecordSender(records);
        _output = new JobOutput(_records, _stopping.Token);
        _broadcasts = new AttachedBroadcasts(OnAttached, _stopping.Token);
    }

    /// <summary>Opens the runspace, waits for the start message, runs the script, and sends the final message.</summary>
    /// <returns>The exit code of the process.</returns>
    public int Run()
    {
        using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            // By default the process would end at once, without finally blocks.
            context.Cancel = true;
            Stop();
        });
        // From now on, so that the end of the parent is noticed while a pool's child prepares itself, and while it waits.
        new Thread(Listen) { IsBackground = true, Name = "IpcPs job control" }.Start();
        try
        {
            return RunScripts();
        }
        finally
        {
            _done.Set();
            EndGroupWithoutParent();
        }
    }

    public void Dispose()
    {
        _broadcasts.Dispose();
        _input?.Dispose();
        _output.Dispose();
        _records.Dispose();
        _control.Dispose();
        _passed.Dispose();
        _stopping.Dispose();
    }

    private int RunScripts()
    {
        var host = new JobHost(new JobHostUI(r => Forward(JobStreamId.Information, r)));
        using var runspace = RunspaceFactory.CreateRunspace(host, InitialState());
        using var shell = PowerShell.Create();
        runspace.Open();
        shell.Runspace = runspace;
        ConnectStreams(shell);
        var end = JobState.Completed;
        while (true)
        {
            switch (NextOrder())
            {
                case PrepareMessage preparation:
                    end = Prepare(shell, preparation);
                    if (end != JobState.Completed || host.ExitCode is not null) return Finish(host, end);
                    _records.Send(JobStreamId.Ready, null);
                    _records.Flush();
                    break;
                case StartMessage start:
                    if (start.Preparation is { } first) end = Prepare(shell, first);
                    if (end == JobState.Completed && host.ExitCode is null) end = RunJob(shell, start, host);
                    _broadcasts.Dispose();
                    _input!.Dispose();
                    return Finish(host, end);
                case IpcException e:
                    // The channel of -Via was removed, or the server of a socket is not there.
                    ReportUnreadable(e);
                    Report(new FinishedMessage(JobState.Failed, 1, HasError: true));
                    return 1;
                default:
                    return StoppedExitCode;
            }
        }
    }

    /// <summary>Waits for what comes next.</summary>
    /// <returns>Null if the session was stopped before it got a job.</returns>
    private object? NextOrder()
    {
        try
        {
            return _orders.Take(_stopping.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private JobState Prepare(PowerShell shell, PrepareMessage preparation)
    {
        GoTo(shell.Runspace, preparation.Location);
        return preparation.Script is { } script ? Invoke(shell, script, [], preparation.Using, null) : JobState.Completed;
    }

    private JobState RunJob(PowerShell shell, StartMessage start, JobHost host)
    {
        GoTo(shell.Runspace, start.Location);
        foreach (var (name, value) in start.Environment) Environment.SetEnvironmentVariable(name, value);
        SetVariables(shell.Runspace, start);
        if (start.Initialization is { } initialization)
        {
            var end = Invoke(shell, initialization, [], start.Using, null);
            if (end != JobState.Completed || host.ExitCode is not null) return end;
        }
        return Invoke(shell, start.Script, start.Arguments, start.Using, new LazyInput(_input!));
    }

    private int Finish(JobHost host, JobState end)
    {
        var exitCode = host.ExitCode ?? (end == JobState.Completed ? 0 : 1);
        var hasError = end == JobState.Failed;
        // "exit 3" does not say what went wrong, only that something did.
        if (end == JobState.Completed && exitCode != 0) end = JobState.Failed;
        Report(new FinishedMessage(end, exitCode, hasError));
        return exitCode;
    }

    private void ReportUnreadable(IpcException error) => Forward(JobStreamId.Error, ErrorRecords.ToRecord(error));

    private JobState Invoke(
        PowerShell shell, string script, IReadOnlyList<object?> arguments, IDictionary usingValues, PSDataCollection<PSObject?>? input)
    {
        shell.Commands.Clear();
        shell.AddScript(script);
        foreach (var argument in arguments) shell.AddArgument(argument);
        // How PowerShell itself passes $using: values to a script.
        if (usingValues.Count > 0) shell.AddParameter("--%", usingValues);
        var output = new ForwardingCollection<PSObject?>(Output);
        try
        {
            lock (_stopping)
            {
                if (_isStopRequested) return JobState.Stopped;
                _stopper = new ScriptStopper(shell, OnStop, _stopping.Token);
            }
            shell.EndInvoke(shell.BeginInvoke(input, output));
            _output.Complete();
            return _isStopRequested ? JobState.Stopped : JobState.Completed;
        }
        catch (Exception e) when (e is PipelineStoppedException or OperationCanceledException || _isStopRequested)
        {
            return JobState.Stopped;
        }
        catch (IpcException e)
        {
            if (JobTransport.IsReaderGone(e)) return JobState.Stopped;
            Forward(JobStreamId.Error, ErrorRecords.ToRecord(e));
            return JobState.Failed;
        }
        catch (RuntimeException e)
        {
            Forward(JobStreamId.Error, e.ErrorRecord);
            return JobState.Failed;
        }
        finally
        {
            lock (_stopping) _stopper = null;
        }
    }

    private void Report(FinishedMessage message)
    {
        try
        {
            _output.Dispose();
            _records.Send(JobStreamId.Finished, message.ToBag());
            _records.Flush();
        }
        catch (IpcException)
        {
            // The parent has ended.
        }
    }

    private static void GoTo(Runspace runspace, string? location)
    {
        if (location is null || !Directory.Exists(location)) return;
        Environment.CurrentDirectory = location;
        runspace.SessionStateProxy.Path.SetLocation(WildcardPattern.Escape(location));
    }

    private static InitialSessionState InitialState()
    {
        var state = InitialSessionState.CreateDefault2();
        state.ImportPSModule([ShellCommand.Manifest]);
        state.ThrowOnRunspaceOpenError = true;
        var parent = JobChannels.Register(InheritedObjects.OpenPipe(JobDescriptors.ParentReader, JobDescriptors.ParentWriter));
        state.Variables.Add(new SessionStateVariableEntry("IpcParent", parent, "The channel to the session that started this job."));
        return state;
    }

    private void SetVariables(Runspace runspace, StartMessage start)
    {
        Set("IpcHandles", start.OpenHandles(_descriptors), "The objects of Start-IpcJob -Handle.");
        if (_items is null) return;
        Set("IpcWorker", start.Worker, "The number of this worker, from 1.");
        Set(ProcessScript.FailVariable, (Action<ErrorRecord>)_items.Fail, "For IpcPs itself.");

        void Set(string name, object value, string description) =>
            runspace.SessionStateProxy.PSVariable.Set(new PSVariable(name, value) { Description = description });
    }

    private void ConnectStreams(PowerShell shell)
    {
        shell.Streams.Error = new ForwardingCollection<ErrorRecord>(r => Forward(JobStreamId.Error, r));
        shell.Streams.Warning = new ForwardingCollection<WarningRecord>(r => Forward(JobStreamId.Warning, r));
        shell.Streams.Verbose = new ForwardingCollection<VerboseRecord>(r => Forward(JobStreamId.Verbose, r));
        shell.Streams.Debug = new ForwardingCollection<DebugRecord>(r => Forward(JobStreamId.Debug, r));
        shell.Streams.Information = new ForwardingCollection<InformationRecord>(r =>
        {
            Forward(JobStreamId.Information, r);
            JobHostUI.ExpectEcho(r);
        });
        shell.Streams.Progress = new ForwardingCollection<ProgressRecord>(r =>
        {
            if (_progress.Passes(r)) Forward(JobStreamId.Progress, r);
        });
    }

    private void Output(PSObject? value)
    {
        try
        {
            _output.Write(value);
        }
        catch (Exception e) when (e is OperationCanceledException || (e is IpcException error && JobTransport.IsReaderGone(error)))
        {
            // The reader has ended. So does the script, as a program does by SIGPIPE, but with its finally blocks.
            Stop();
            throw new PipelineStoppedException();
        }
    }

    private void Forward(JobStreamId id, object record)
    {
        try
        {
            _records.Send(id, record);
        }
        catch (IpcException)
        {
            // The parent has ended. Listen sees that too, and ends the script.
        }
    }

    /// <summary>Ends the script, as Ctrl+C does, and the programs that it started.</summary>
    private void Stop()
    {
        lock (_stopping)
        {
            if (_isStopRequested) return;
            _isStopRequested = true;
            if (_stopper is { } stopper) stopper.Stop();
            else OnStop();
        }
    }

    /// <summary>The script is stopped now. Before its shell is, because that waits for the locks of a blocked read or write.</summary>
    private void OnStop()
    {
        _stopping.Cancel();
        _output.Wake();
    }

    /// <summary>If the parent has ended: waits for the programs that the script started, and kills those that do not end in time. Where the
    /// parent lives, it does that.</summary>
    private void EndGroupWithoutParent()
    {
        var ended = Volatile.Read(ref _parentEnd);
        if (ended == 0) return;
        var left = Grace - Stopwatch.GetElapsedTime(ended);
        CurrentProcess.WaitUntilAloneInGroup(left > TimeSpan.Zero ? Deadline.After(left) : Deadline.Immediate);
        CurrentProcess.KillGroup();
    }

    /// <summary>Handles the parent's messages until it ends.</summary>
    private void Listen()
    {
        var message = new MessageBuffer();
        try
        {
            while (_control.Receive(message)) HandleControlMessage(message);
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            if (_control.IsClosed) return;
        }
        // The parent has ended. If the script does not end in time (a native program, a sleep), the whole process group is killed.
        Volatile.Write(ref _parentEnd, Stopwatch.GetTimestamp());
        // At once: this process may be killed while it waits for the script.
        _input?.OnParentEnded();
        _output.OnParentEnded();
        Stop();
        if (!_done.Wait(Grace)) CurrentProcess.KillGroup();
    }

    private void HandleControlMessage(MessageBuffer message)
    {
        switch ((JobControlId)message.StreamId)
        {
            case JobControlId.Prepare:
                _orders.Add(PrepareMessage.From(_serializer.Decode(message.Payload)));
                break;
            case JobControlId.Start:
                _orders.Add(Accept(message));
                break;
            case JobControlId.Redirect:
                Redirect(RedirectMessage.From(_serializer.Decode(message.Payload)));
                break;
            case JobControlId.Proceed:
                _output.Proceed();
                break;
            case JobControlId.InputEnded:
                var writers = Convert.ToInt32(_serializer.Decode(message.Payload), CultureInfo.InvariantCulture);
                _broadcasts.Release(() => _input!.End(writers));
                break;
            case JobControlId.Attach:
                _broadcasts.Attach(AttachMessage.From(_serializer.Decode(message.Payload)));
                break;
            case JobControlId.Item:
                _items!.Add(message.Payload.Span);
                break;
            case JobControlId.TakeBack:
                _items!.GiveBack();
                break;
            case JobControlId.ReaderGone:
                Stop();
                break;
        }
    }

    /// <summary>Makes the input ready, which later messages may be about.</summary>
    /// <returns>The start message, or why the job can't start.</returns>
    private object Accept(MessageBuffer message)
    {
        try
        {
            var start = StartMessage.From(_serializer.Decode(message.Payload));
            UsingValues.Inherit(start.Using);
            if (start.Descriptors > 0) _descriptors = ReceiveDescriptors(start.Descriptors);
            if (start.Worker > 0) _items = new WorkerInput(_records, _stopping.Token);
            _input = (IJobInput?)_items ?? new JobInput(start.OpenInput(_descriptors, _stopping.Token), ReportUnreadable, _stopping.Token);
            return start;
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            return e;
        }
    }

    private int[] ReceiveDescriptors(int count)
    {
        var message = new MessageBuffer();
        _passed.Receive(message, default, _stopping.Token);
        var descriptors = message.TakeHandles();
        if (descriptors.Count == count) return [.. descriptors.Select(static d => d.Release())];
        throw new IpcException(IpcErrors.LimitReached, "The job's process can't have as many descriptors as it was passed.", null,
            "Raise the limit RLIMIT_NOFILE (ulimit -n).");
    }

    private void OnAttached(AttachedMessage message)
    {
        Forward(JobStreamId.Attached, message.ToBag());
        if (message.Error is not null) Stop();
    }

    private void Redirect(RedirectMessage redirection)
    {
        try
        {
            _output.Redirect(redirection);
        }
        catch (IpcException e)
        {
            // Perhaps the reader has just ended. The parent knows.
            _records.Send(JobStreamId.Redirected, e.Message);
            Stop();
        }
    }
}

/// <summary>The entry point of a job's child process.</summary>
public static class JobChild
{
    /// <summary>Runs the job, and ends the process. Only for processes that <c>Start-IpcJob</c> starts.</summary>
    public static void Run()
    {
        var control = InheritedObjects.OpenPipe(JobDescriptors.Control, -1);
        var records = InheritedObjects.OpenPipe(-1, JobDescriptors.Records);
        int exitCode;
        using (var session = new JobSession(control, records, InheritedObjects.OpenSocket(JobDescriptors.Passed))) exitCode = session.Run();
        Environment.Exit(exitCode);
    }
}
