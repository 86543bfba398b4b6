using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Takes in what comes from a job's child: the streams on one thread, what it writes past them, and its end, on another.</summary>
internal sealed class JobReceiver(IpcJob job, JobConnection launch) : IDisposable
{
    /// <summary>Lines of standard error that are kept to explain a child that could not even start.</summary>
    private const int KeptLines = 20;

    private static readonly ReceiveOptions Objects = new() { Format = IpcFormat.Object };

    private readonly JobSerializer _codec = new();
    private readonly CancellationTokenSource _childEnded = new();
    private readonly Queue<string> _lastText = new();
    private Thread? _watch;
    private ErrorRecord? _lastError;
    private JobEnd? _end;
    private string? _trouble;
    private string? _notOpened;

    /// <summary>Starts both threads.</summary>
    public void Start()
    {
        _watch = new Thread(Watch) { IsBackground = true, Name = $"IpcPs watches {job.Name}" };
        _watch.Start();
        new Thread(Receive) { IsBackground = true, Name = $"IpcPs receives from {job.Name}" }.Start();
    }

    /// <summary>Called by itself at the end.</summary>
    public void Dispose() => _childEnded.Dispose();

    private void Watch()
    {
        ChildText.ReadUntilExit(launch.Child, launch.Output, launch.Error, OnOutputText, OnErrorText);
        // Something that the child left behind may hold the pipe open: what is in it now is all.
        _childEnded.Cancel();
    }

    private void Receive()
    {
        var message = new MessageBuffer();
        try
        {
            while (launch.Records.Receive(message, Objects, new(Deadline.Infinite, _childEnded.Token))) Take(message);
        }
        catch (OperationCanceledException)
        {
            Drain(message);
        }
        catch (IpcException e)
        {
            GiveUp(e);
        }
        _watch!.Join();
        job.Finish(_end ?? Unexpected(launch.Child.Exit!.Value));
        Dispose();
    }

    private void Drain(MessageBuffer message)
    {
        try
        {
            while (launch.Records.Receive(message, Objects, Deadline.Immediate)) Take(message);
        }
        catch (IpcException e)
        {
            if (e.Id != IpcErrors.Empty) GiveUp(e);
        }
    }

    private void GiveUp(IpcException e)
    {
        // A child that was killed in the middle of a record is told by how it ended.
        if (e.Id == IpcErrors.TruncatedMessage) return;
        _trouble = e.Message;
        launch.Child.SignalGroup(9);
    }

    private void Take(MessageBuffer message)
    {
        var payload = message.Payload;
        switch ((JobStreamId)message.StreamId)
        {
            case JobStreamId.Output:
                var value = _codec.Decode(payload);
                // As PowerShell does: a $null in the output of a job is an object like any other.
                job.AddOutput(value is null ? null! : PSObject.AsPSObject(value));
                break;
            case JobStreamId.Error:
                _lastError = _codec.DecodeRecord<ErrorRecord>(payload);
                Add(job.StreamsTo.Error, _lastError);
                break;
            case JobStreamId.Warning:
                Add(job.StreamsTo.Warning, _codec.DecodeRecord<WarningRecord>(payload));
                break;
            case JobStreamId.Verbose:
                Add(job.StreamsTo.Verbose, _codec.DecodeRecord<VerboseRecord>(payload));
                break;
            case JobStreamId.Debug:
                Add(job.StreamsTo.Debug, _codec.DecodeRecord<DebugRecord>(payload));
                break;
            case JobStreamId.Information:
                Add(job.StreamsTo.Information, _codec.DecodeRecord<InformationRecord>(payload));
                break;
            case JobStreamId.Progress:
                Add(job.StreamsTo.Progress, _codec.DecodeRecord<ProgressRecord>(payload));
                break;
            case JobStreamId.Redirected:
                if (_codec.Decode(payload) is { } why) _notOpened = $"could not write to the next job: {why}";
                else job.OutputRedirected();
                break;
            case JobStreamId.Finished:
                var report = FinishedMessage.From(_codec.Decode(payload));
                if (_notOpened is not null && !job.HasNoReader()) _trouble ??= _notOpened;
                _end = new JobEnd(_trouble is null ? report.State : JobState.Failed, report.ExitCode, report.State == JobState.Failed ? _lastError : null, true, _trouble ?? "failed.");
                break;
        }
    }

    private JobEnd Unexpected(ProcessExit exit)
    {
        var what = _trouble ?? $"{exit} before its script ended.";
        lock (_lastText)
        {
            if (_lastText.Count > 0 && exit.Signal is null) what += " It said: " + string.Join('\n', _lastText);
        }
        return new JobEnd(JobState.Failed, exit.ShellCode, null, false, what);
    }

    private void OnOutputText(string line)
    {
        var record = new InformationRecord(new HostInformationMessage { Message = line }, "standard output");
        record.Tags.Add("PSHOST");
        record.Tags.Add("StandardOutput");
        Add(job.StreamsTo.Information, record);
    }

    private void OnErrorText(string line)
    {
        lock (_lastText)
        {
            _lastText.Enqueue(line);
            if (_lastText.Count > KeptLines) _lastText.Dequeue();
        }
        Add(job.StreamsTo.Error, new ErrorRecord(new RuntimeException(line), "IpcJobStandardError", ErrorCategory.NotSpecified, job.Name));
    }

    private static void Add<T>(PSDataCollection<T> stream, T record)
    {
        try
        {
            stream.Add(record);
        }
        catch (Exception e) when (e is ObjectDisposedException or PSInvalidOperationException)
        {
            // The job was removed meanwhile.
        }
    }
}
