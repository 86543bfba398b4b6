using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.InteropServices;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <summary>One run of a job's script: the runspace, its streams to the parent, and the end by whichever side.</summary>
internal sealed class JobSession : IDisposable
{
    /// <summary>How long a script whose parent is gone has for its finally blocks.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly IpcChannel _control;
    private readonly JobSerializer _codec = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ManualResetEventSlim _done = new();
    private readonly RecordSender _records;
    private readonly JobOutput _output;
    private readonly ProgressFilter _progress = new();
    private JobInput? _input;
    private PowerShell? _shell;

    public JobSession(IpcChannel control, IpcChannel records)
    {
        _control = control;
        // Not ended by a stop: what the script says in its finally blocks still reaches the parent.
        _records = new RecordSender(records);
        _output = new JobOutput(_records, _stopping.Token);
    }

    /// <summary>Takes the order, runs it and reports the end.</summary>
    /// <returns>The exit code of the process.</returns>
    public int Run()
    {
        var message = new MessageBuffer();
        if (!_control.Receive(message)) return 1;
        var order = StartMessage.From(_codec.Decode(message.Payload));
        UsingValues.Inherit(order.Using);
        using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            // The default would end the process at once, without the script's finally blocks.
            context.Cancel = true;
            Stop();
        });
        _input = new JobInput(order.OpenInput(_stopping.Token), _stopping.Token);
        new Thread(Listen) { IsBackground = true, Name = "IpcPs job control" }.Start();
        try
        {
            return RunScript(order);
        }
        finally
        {
            _done.Set();
        }
    }

    public void Dispose()
    {
        _input?.Dispose();
        _output.Dispose();
        _records.Dispose();
        _control.Dispose();
        _stopping.Dispose();
    }

    private int RunScript(StartMessage order)
    {
        var host = new JobHost(new JobHostUI(r => Forward(JobStreamId.Information, r)));
        if (order.Location is { } location && Directory.Exists(location)) Environment.CurrentDirectory = location;
        using var runspace = RunspaceFactory.CreateRunspace(host, InitialState(order));
        using var shell = PowerShell.Create();
        runspace.Open();
        shell.Runspace = runspace;
        shell.AddScript(order.Script);
        foreach (var argument in order.Arguments) shell.AddArgument(argument);
        // PowerShell's own way of handing $using: values to a script.
        if (order.Using.Count > 0) shell.AddParameter("--%", order.Using);
        ConnectStreams(shell);
        var end = Invoke(shell);
        _input!.Dispose();
        var exitCode = host.ExitCode ?? (end == JobState.Completed ? 0 : 1);
        Report(end, exitCode);
        return exitCode;
    }

    private JobState Invoke(PowerShell shell)
    {
        var output = new ForwardingCollection<PSObject?>(Output);
        try
        {
            lock (_stopping)
            {
                if (_stopping.IsCancellationRequested) return JobState.Stopped;
                _shell = shell;
            }
            shell.EndInvoke(shell.BeginInvoke(new LazyInput(_input!), output));
            _output.Complete();
            return _stopping.IsCancellationRequested ? JobState.Stopped : JobState.Completed;
        }
        catch (Exception e) when (e is PipelineStoppedException or OperationCanceledException || _stopping.IsCancellationRequested)
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
            lock (_stopping) _shell = null;
        }
    }

    private void Report(JobState end, int exitCode)
    {
        try
        {
            _output.Dispose();
            _records.Send(JobStreamId.Finished, new FinishedMessage(end, exitCode).ToBag());
            _records.Flush();
        }
        catch (IpcException)
        {
            // The parent is gone: nobody is left to be told.
        }
    }

    private static InitialSessionState InitialState(StartMessage order)
    {
        var state = InitialSessionState.CreateDefault2();
        state.ImportPSModule([order.Manifest]);
        state.ThrowOnRunspaceOpenError = true;
        state.Variables.Add(new SessionStateVariableEntry("IpcParent", InheritedObjects.OpenPipe(JobDescriptors.ParentReader, JobDescriptors.ParentWriter), "The channel to the session that started this job."));
        state.Variables.Add(new SessionStateVariableEntry("IpcHandles", order.OpenHandles(), "What was handed over with Start-IpcJob -Handle."));
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
            // Nobody reads any more: the script ends as a program does by SIGPIPE, but with its finally blocks.
            Stop();
            throw new PipelineStoppedException();
        }
    }

    private void Forward(JobStreamId lane, object record)
    {
        try
        {
            _records.Send(lane, record);
        }
        catch (IpcException)
        {
            // The parent is gone; Listen sees that too and ends the script.
        }
    }

    /// <summary>Ends the script, as Ctrl+C does.</summary>
    private void Stop()
    {
        lock (_stopping)
        {
            if (_stopping.IsCancellationRequested) return;
            // Before the shell is stopped: it waits for the locks that a blocked read or write of ours holds.
            _stopping.Cancel();
            _shell?.BeginStop(null, null);
        }
        _output.Wake();
    }

    /// <summary>Hears what the parent has to say, to the end of it.</summary>
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
        // The parent is gone. What does not end by itself now, a native program or a sleep, is killed with the whole group.
        Stop();
        if (!_done.Wait(Grace)) CurrentProcess.KillGroup();
    }

    private void HandleControlMessage(MessageBuffer message)
    {
        switch ((JobStreamId)message.StreamId)
        {
            case JobStreamId.Redirect:
                Redirect(RedirectMessage.From(_codec.Decode(message.Payload)));
                break;
            case JobStreamId.Proceed:
                _output.Proceed();
                break;
            case JobStreamId.InputEnded:
                _input!.End(Convert.ToInt32(_codec.Decode(message.Payload), CultureInfo.InvariantCulture));
                break;
            case JobStreamId.ReaderGone:
                Stop();
                break;
        }
    }

    private void Redirect(RedirectMessage redirection)
    {
        try
        {
            _output.Redirect(redirection);
        }
        catch (IpcException e)
        {
            // The reader may just have ended; the parent knows.
            _records.Send(JobStreamId.Redirected, e.Message);
            Stop();
        }
    }
}

/// <summary>The other side of Start-IpcJob: what runs in the child.</summary>
public static class JobChild
{
    /// <summary>Runs the job that this process was started for, and ends the process. Only Start-IpcJob calls it, in a process that it started.</summary>
    public static void Run()
    {
        var control = InheritedObjects.OpenPipe(JobDescriptors.Control, -1);
        var records = InheritedObjects.OpenPipe(-1, JobDescriptors.Records);
        int exitCode;
        using (var session = new JobSession(control, records)) exitCode = session.Run();
        Environment.Exit(exitCode);
    }
}
