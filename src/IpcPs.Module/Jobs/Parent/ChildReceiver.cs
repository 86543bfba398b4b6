using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Receives from a child: records and messages on one thread; standard output, standard error and the end of the process on
/// another.</summary>
/// <param name="connection">The child.</param>
/// <param name="name">What the threads are named after.</param>
internal abstract class ChildReceiver(JobConnection connection, string name) : IDisposable
{
    /// <summary>The number of lines of standard error that are kept, to explain a child that could not start.</summary>
    private const int KeptLines = 20;

    private static readonly ReceiveOptions Objects = new() { Format = IpcFormat.Object };

    private readonly JobSerializer _serializer = new();
    private readonly CancellationTokenSource _childEnded = new();
    private readonly Queue<string> _lastText = new();
    private Thread? _watch;
    private ErrorRecord? _lastError;
    private JobEnd? _end;
    private string? _failure;

    /// <summary>Whether there was a request to stop the child.</summary>
    protected abstract bool IsStopping { get; }

    /// <summary>Decodes what the child sent. For the receiving thread.</summary>
    protected JobSerializer Serializer => _serializer;

    /// <summary>Starts both threads.</summary>
    public void Start()
    {
        _watch = new Thread(Watch) { IsBackground = true, Name = $"IpcPs watches {name}" };
        _watch.Start();
        new Thread(Receive) { IsBackground = true, Name = $"IpcPs receives from {name}" }.Start();
    }

    /// <summary>The receiver calls it when the child has ended.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>An object of the child's output. The bytes are valid until this returns.</summary>
    protected abstract void OnOutput(ReadOnlyMemory<byte> payload);

    /// <summary>A record of another stream, from any thread.</summary>
    protected abstract void OnRecord(object record);

    /// <summary>A message of the child that is not for its streams.</summary>
    protected abstract void OnMessage(JobStreamId id, ReadOnlyMemory<byte> payload);

    /// <summary>The script has ended.</summary>
    /// <returns>What went wrong besides, or null.</returns>
    protected virtual string? OnScriptEnded() => null;

    /// <summary>The child has ended, and everything that it sent has come.</summary>
    protected abstract void OnEnd(JobEnd end);

    /// <summary>Releases what it waits with.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _childEnded.Dispose();
    }

    private void Watch()
    {
        connection.ReadText(OnOutputText, OnErrorText);
        // A process that the child started may hold the pipe open. The child's own records are in it now.
        _childEnded.Cancel();
    }

    private void Receive()
    {
        var message = new MessageBuffer();
        try
        {
            foreach (var (id, payload) in connection.Received) Process(id, payload);
            while (connection.Records.Receive(message, Objects, new(Deadline.Infinite, _childEnded.Token)))
                Process((JobStreamId)message.StreamId, message.Payload);
        }
        catch (OperationCanceledException)
        {
            Drain(message);
        }
        catch (IpcException e)
        {
            OnReceiveFailed(e);
        }
        _watch!.Join();
        // A script that ends by itself may leave programs behind, as a shell's script may. After any other end, none is left.
        if (IsStopping || _end is null or { State: JobState.Stopped })
            connection.Process.EndGroup(ask: _end is null, Deadline.After(IpcJob.Grace));
        connection.Process.WaitForExit();
        OnEnd(Known(_end) ?? Unexpected(connection.Process.Exit!.Value));
        Dispose();
    }

    private void Drain(MessageBuffer message)
    {
        try
        {
            while (connection.Records.Receive(message, Objects, Deadline.Immediate))
                Process((JobStreamId)message.StreamId, message.Payload);
        }
        catch (IpcException e)
        {
            if (e.Id != IpcErrors.Empty) OnReceiveFailed(e);
        }
    }

    private void OnReceiveFailed(IpcException e)
    {
        // The child was killed in the middle of a record. Its exit says so.
        if (e.Id == IpcErrors.TruncatedMessage) return;
        _failure = e.Message;
        connection.Process.Kill();
    }

    private void Process(JobStreamId id, ReadOnlyMemory<byte> payload)
    {
        switch (id)
        {
            case JobStreamId.Output:
                OnOutput(payload);
                break;
            case JobStreamId.Error:
                OnRecord(_lastError = _serializer.DecodeRecord<ErrorRecord>(payload));
                break;
            case JobStreamId.Warning:
                OnRecord(_serializer.DecodeRecord<WarningRecord>(payload));
                break;
            case JobStreamId.Verbose:
                OnRecord(_serializer.DecodeRecord<VerboseRecord>(payload));
                break;
            case JobStreamId.Debug:
                OnRecord(_serializer.DecodeRecord<DebugRecord>(payload));
                break;
            case JobStreamId.Information:
                OnRecord(_serializer.DecodeRecord<InformationRecord>(payload));
                break;
            case JobStreamId.Progress:
                OnRecord(_serializer.DecodeRecord<ProgressRecord>(payload));
                break;
            case JobStreamId.Finished:
                OnFinished(FinishedMessage.From(_serializer.Decode(payload)));
                break;
            case JobStreamId.Started or JobStreamId.Listening:
                connection.Process.OnMessage(id, _serializer.Decode(payload));
                break;
            default:
                OnMessage(id, payload);
                break;
        }
    }

    private void OnFinished(FinishedMessage message)
    {
        connection.Process.OnScriptEnded();
        _failure ??= OnScriptEnded();
        var error = message.HasError ? _lastError : null;
        var what = _failure ?? $"{new ProcessExit(message.ExitCode, null, false)}.";
        _end = new JobEnd(_failure is null ? message.State : JobState.Failed, message.ExitCode, error, true, what);
    }

    /// <summary>The end that the script reported; or that not all of its output has reached its reader. With a lost connection, the report
    /// does not count: the process has not come to its end here.</summary>
    private JobEnd? Known(JobEnd? end)
    {
        if (end is not { State: JobState.Completed } || connection.Process.Failure is not { } failure) return end;
        return failure.Id == IpcErrors.ConnectionLost ? null : JobEnd.Failed(failure.Message, failure.Id);
    }

    private JobEnd Unexpected(ProcessExit exit)
    {
        if (_failure is null && connection.Process.Failure is { } failure)
            return new JobEnd(JobState.Failed, exit.ShellCode, null, false, failure.Message, failure.Id);
        var what = _failure ?? $"{exit} before its script ended.";
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
        OnRecord(record);
    }

    private void OnErrorText(string line)
    {
        lock (_lastText)
        {
            _lastText.Enqueue(line);
            if (_lastText.Count > KeptLines) _lastText.Dequeue();
        }
        var error = new RuntimeException(line);
        OnRecord(new ErrorRecord(error, "IpcJobStandardError", ErrorCategory.NotSpecified, name));
    }
}
