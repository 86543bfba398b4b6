using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Runs a job's script in the child: the runspace, the streams to the parent, and the end, which the script or the parent
/// causes.</summary>
internal sealed partial class JobSession : IDisposable
{
    /// <summary>The time for the script's finally blocks and programs after its parent has ended.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

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
        _input?.Dispose();
        _output.Dispose();
        _records.Dispose();
        _control.Dispose();
        _passed.Dispose();
        // Not _stopping: TERM and the end of the parent may still come, on other threads.
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
                _input!.End(Convert.ToInt32(_serializer.Decode(message.Payload), CultureInfo.InvariantCulture));
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
