using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.InteropServices;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Runs a job's script in the child: the runspace, the streams to the parent, and the end, which the script or the parent
/// causes.</summary>
internal sealed class JobSession : IDisposable
{
    /// <summary>The time for the script's finally blocks and programs after its parent has ended.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly IpcChannel _control;
    private readonly JobSerializer _serializer = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ManualResetEventSlim _done = new();
    private readonly RecordSender _records;
    private readonly JobOutput _output;
    private readonly ProgressFilter _progress = new();
    private readonly AttachedBroadcasts _broadcasts;
    private IJobInput? _input;
    private WorkerInput? _items;
    private ScriptStopper? _stopper;
    private bool _isStopRequested;
    private long _parentEnd;

    public JobSession(IpcChannel control, IpcChannel records)
    {
        _control = control;
        // Not cancelled by a stop: records from finally blocks still reach the parent.
        _records = new RecordSender(records);
        _output = new JobOutput(_records, _stopping.Token);
        _broadcasts = new AttachedBroadcasts(OnAttached, _stopping.Token);
    }

    /// <summary>Receives the start message, runs the script, and sends the final message.</summary>
    /// <returns>The exit code of the process.</returns>
    public int Run()
    {
        var message = new MessageBuffer();
        if (!_control.Receive(message)) return 1;
        var start = StartMessage.From(_serializer.Decode(message.Payload));
        UsingValues.Inherit(start.Using);
        using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            // By default the process would end at once, without finally blocks.
            context.Cancel = true;
            Stop();
        });
        if (start.Worker > 0) _items = new WorkerInput(_records, _stopping.Token);
        _input = (IJobInput?)_items ?? new JobInput(start.OpenInput(_stopping.Token), _stopping.Token);
        new Thread(Listen) { IsBackground = true, Name = "IpcPs job control" }.Start();
        try
        {
            return RunScript(start);
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
        _stopping.Dispose();
    }

    private int RunScript(StartMessage start)
    {
        var host = new JobHost(new JobHostUI(r => Forward(JobStreamId.Information, r)));
        if (start.Location is { } location && Directory.Exists(location)) Environment.CurrentDirectory = location;
        using var runspace = RunspaceFactory.CreateRunspace(host, InitialState(start, _items));
        using var shell = PowerShell.Create();
        runspace.Open();
        shell.Runspace = runspace;
        ConnectStreams(shell);
        var end = JobState.Completed;
        if (start.Initialization is { } initialization) end = Invoke(shell, initialization, [], start.Using, null);
        if (end == JobState.Completed && host.ExitCode is null)
            end = Invoke(shell, start.Script, start.Arguments, start.Using, new LazyInput(_input!));
        _broadcasts.Dispose();
        _input!.Dispose();
        var exitCode = host.ExitCode ?? (end == JobState.Completed ? 0 : 1);
        var hasError = end == JobState.Failed;
        // "exit 3" does not say what went wrong, only that something did.
        if (end == JobState.Completed && exitCode != 0) end = JobState.Failed;
        Report(new FinishedMessage(end, exitCode, hasError));
        return exitCode;
    }

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
            if (e.Id == IpcErrors.PeerClosed) return JobState.Stopped;
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

    private static InitialSessionState InitialState(StartMessage start, WorkerInput? items)
    {
        var state = InitialSessionState.CreateDefault2();
        state.ImportPSModule([start.Manifest]);
        state.ThrowOnRunspaceOpenError = true;
        var parent = JobChannels.Register(InheritedObjects.OpenPipe(JobDescriptors.ParentReader, JobDescriptors.ParentWriter));
        state.Variables.Add(new SessionStateVariableEntry("IpcParent", parent, "The channel to the session that started this job."));
        state.Variables.Add(new SessionStateVariableEntry("IpcHandles", start.OpenHandles(), "The objects of Start-IpcJob -Handle."));
        if (items is null) return state;
        state.Variables.Add(new SessionStateVariableEntry("IpcWorker", start.Worker, "The number of this worker, from 1."));
        state.Variables.Add(new SessionStateVariableEntry(ProcessScript.FailVariable, (Action<ErrorRecord>)items.Fail, "For IpcPs itself."));
        return state;
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
        catch (Exception e) when (e is OperationCanceledException || e is IpcException { Id: var id } && id == IpcErrors.PeerClosed)
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
        Stop();
        if (!_done.Wait(Grace)) CurrentProcess.KillGroup();
    }

    private void HandleControlMessage(MessageBuffer message)
    {
        switch ((JobControlId)message.StreamId)
        {
            case JobControlId.Redirect:
                Redirect(RedirectMessage.From(_serializer.Decode(message.Payload)));
                break;
            case JobControlId.Proceed:
                _output.Proceed();
                break;
            case JobControlId.InputEnded:
                _input!.End(Convert.ToInt32(_serializer.Decode(message.Payload), CultureInfo.InvariantCulture));
                _broadcasts.Release();
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
        using (var session = new JobSession(control, records)) exitCode = session.Run();
        Environment.Exit(exitCode);
    }
}
