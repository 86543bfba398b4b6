using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Child;

/// <content>The scripts, and the runspace that they run in.</content>
internal sealed partial class JobSession
{
    /// <summary>Leaves nothing behind in the session.</summary>
    private const string Rehearsal =
        "& { foreach ($i in 1, 2) { if ($i -gt 1) { \"$i\" } }; $input | ForEach-Object { $_ }; [pscustomobject]@{ A = 1 } }";

    private readonly JobSerializer _rehearsed = new();
    private bool _isRehearsal;

    private int RunScripts()
    {
        var host = new JobHost(new JobHostUI(r => Forward(JobStreamId.Information, r)));
        // The runspace begins where the process is.
        var order = NextOrder();
        if (order is null) return Finish(host, JobState.Stopped);
        if (FolderOf(order) is { } folder && Directory.Exists(folder)) Environment.CurrentDirectory = folder;
        JobHost.ChooseRendering();
        using var runspace = RunspaceFactory.CreateRunspace(host, InitialState());
        using var shell = PowerShell.Create();
        runspace.Open();
        JobEnvironment.RemoveSettings();
        shell.Runspace = runspace;
        ConnectStreams(shell);
        var end = JobState.Completed;
        while (true)
        {
            switch (order)
            {
                case PrepareMessage preparation:
                    end = Prepare(shell, preparation);
                    if (end != JobState.Completed || host.ExitCode is not null) return Finish(host, end);
                    Rehearse(shell, host);
                    _records.Send(JobStreamId.Ready, null);
                    _records.Flush();
                    break;
                case StartMessage start:
                    if (start.Preparation is { } first) end = Prepare(shell, first);
                    if (end == JobState.Completed && host.ExitCode is null) end = RunJob(shell, start, _input!, host);
                    _broadcasts.Dispose();
                    _input!.Dispose();
                    return Finish(host, end);
                case IpcException e:
                    // The channel of -Via was removed, or the server of a socket is not there.
                    ReportUnreadable(e);
                    Report(new FinishedMessage(JobState.Failed, 1, HasError: true));
                    return 1;
                default:
                    return Finish(host, JobState.Stopped);
            }
            order = NextOrder();
        }
    }

    /// <summary>Waits for what comes next.</summary>
    /// <returns>Null if the session was stopped.</returns>
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

    /// <summary>Does what a job does, without sending anything, so that the runtime has compiled the methods before the job comes. It takes
    /// some hundred milliseconds.</summary>
    private void Rehearse(PowerShell shell, JobHost host)
    {
        var start = new StartMessage { Script = Rehearsal, Location = Environment.CurrentDirectory };
        _isRehearsal = true;
        RunJob(shell, StartMessage.From(_rehearsed.Decode(_rehearsed.Encode(start.ToBag()).ToArray())),
            new JobInput(null, ReportUnreadable, _stopping.Token), host);
        _isRehearsal = false;
    }

    private JobState RunJob(PowerShell shell, StartMessage start, IJobInput input, JobHost host)
    {
        GoTo(shell.Runspace, start.Location);
        foreach (var (name, value) in start.Environment) Environment.SetEnvironmentVariable(name, value);
        SetVariables(shell.Runspace, start);
        if (start.Initialization is { } initialization)
        {
            var end = Invoke(shell, initialization, [], start.Using, null);
            if (end != JobState.Completed || host.ExitCode is not null) return end;
        }
        return Invoke(shell, start.Script, start.Arguments, start.Using, new LazyInput(input));
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
            if (_passed is null) _output.Deliver();
            _output.Dispose();
            _records.Send(JobStreamId.Finished, message.ToBag());
            _records.Flush();
        }
        catch (IpcException)
        {
            // The parent has ended.
        }
    }

    private static string? FolderOf(object? order) => order switch
    {
        PrepareMessage preparation => preparation.Location,
        StartMessage start => (start.Preparation ?? new() { Location = start.Location }).Location,
        _ => null,
    };

    private static void GoTo(Runspace runspace, string? location)
    {
        if (location is null || !Directory.Exists(location)) return;
        Environment.CurrentDirectory = location;
        // PowerShell reads every folder on the way, to find out how their names are spelled.
        if (runspace.SessionStateProxy.Path.CurrentFileSystemLocation.ProviderPath == location) return;
        runspace.SessionStateProxy.Path.SetLocation(WildcardPattern.Escape(location));
    }

    private InitialSessionState InitialState()
    {
        var state = InitialSessionState.CreateDefault2();
        state.ImportPSModule([ShellCommand.Manifest]);
        state.ThrowOnRunspaceOpenError = true;
        state.Variables.Add(new SessionStateVariableEntry("IpcParent", _parent, "The channel to the session that started this job."));
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
            if (_isRehearsal) _rehearsed.Encode(value);
            else _output.Write(value);
        }
        catch (Exception e) when (e is OperationCanceledException || (e is IpcException error && JobTransport.IsReaderGone(error)))
        {
            // The reader has ended. So does the script, as a program does by SIGPIPE, but with its finally blocks.
            Stop();
            throw new PipelineStoppedException();
        }
    }

    private void Forward(JobStreamId id, object? record)
    {
        if (_isRehearsal) return;
        try
        {
            _records.Send(id, record);
        }
        catch (IpcException)
        {
            // The parent has ended. Listen sees that too, and ends the script.
        }
    }
}
