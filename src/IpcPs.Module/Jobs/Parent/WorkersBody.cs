using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Workers;
using IpcPs.Module.Serialization;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A job in several processes that share its input. This process reads the input and gives it out, and writes the output, as
/// bytes: one thread for each direction.</summary>
internal sealed class WorkersBody : IJobBody
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly IpcJob _job;
    private readonly WorkerGroup _group;
    private readonly JobSerializer _serializer = new();
    private readonly JobSerializer _withoutSecrets = new(isPrivate: false);
    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ManualResetEventSlim _proceed = new();
    private readonly JobTransportReader? _reader;
    private readonly WorkerProgress _progress;
    private readonly bool _isInputAdded;
    private readonly WorkerLog? _log;
    private readonly AttachedBroadcasts _broadcasts;
    private Thread? _feeder;
    private volatile RedirectMessage? _redirection;
    private IpcChannel? _writer;
    private BufferedSender? _sender;

    /// <summary>Starts the workers.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public WorkersBody(IpcJob job, JobStartInfo start, RedirectMessage? output)
    {
        _job = job;
        _redirection = output;
        var transport = start.Via?.Create();
        if (transport is not null) Input = new JobInputTransport(start.Via!, transport, EndInput);
        _group = new WorkerGroup(start with { Name = job.Name, SharedInput = Input?.Redirection }, start.Workers!);
        _log = start.Workers!.Log;
        _isInputAdded = start.Workers.IsInputAdded;
        _progress = new WorkerProgress(_group, job.Name);
        _broadcasts = new AttachedBroadcasts(OnAttached, _ending.Token);
        try
        {
            _reader = transport?.OpenOwnReader(_ending.Token);
            _group.Start();
        }
        catch
        {
            _reader?.Dispose();
            Input?.Dispose();
            _group.Dispose();
            throw;
        }
    }

    public JobInputTransport? Input { get; }

    public IpcChannel? Channel => null;

    public int? ProcessId => null;

    public string? HostName => null;

    public string? Signal => null;

    public string Location => _group.Count == 1 ? "1 worker" : $"{_group.Count} workers";

    public WorkerGroup? Workers => _group;

    public void Start()
    {
        new Thread(Deliver) { IsBackground = true, Name = $"IpcPs delivers from {_job.Name}" }.Start();
        if (_reader is null)
        {
            if (!_isInputAdded) _group.CompleteInput();
            return;
        }
        _feeder = new Thread(Feed) { IsBackground = true, Name = $"IpcPs feeds {_job.Name}" };
        _feeder.Start();
    }

    public void Redirect(RedirectMessage message)
    {
        _redirection = message;
        _group.WakeTaker();
    }

    public void Proceed() => _proceed.Set();

    public void Attach(AttachMessage message) => _broadcasts.Attach(message);

    public void EndForLackOfReader() => _group.EndForLackOfReader();

    public void RequestStop()
    {
        _stopping.Cancel();
        _group.Stop();
    }

    public void Kill()
    {
        _stopping.Cancel();
        _group.Kill();
    }

    public void Disconnect()
    {
        _ending.Cancel();
        _broadcasts.Dispose();
        _feeder?.Join();
        _log?.Dispose();
        _reader?.Dispose();
        _sender?.Dispose();
        if (_writer is { IsClosed: false }) _redirection!.CloseWriter(_writer);
    }

    public void Release()
    {
    }

    /// <summary>Closes the channels of the workers: the job was removed.</summary>
    public void Dispose()
    {
        _ending.Cancel();
        _proceed.Set();
        _group.Dispose();
    }

    private void EndInput(int writers) => _broadcasts.Release(() => _reader!.EndOfWriters(writers));

    private void OnAttached(AttachedMessage message)
    {
        if (message.Error is { } error) _group.Fail(JobEnd.Failed($"could not read a broadcast: {error}"));
        else _job.OnAttached(message.Broadcast);
    }

    /// <summary>Reads the input.</summary>
    private void Feed()
    {
        var message = new MessageBuffer();
        var (decoder, encoder) = (new MessageDecoder(), new JobSerializer());
        try
        {
            while (!_group.IsClosed && TryReceive(message))
            {
                // What another program has sent is encoded for the workers.
                var item = message.Format == IpcFormat.Object ? message.Payload.ToArray()
                    : encoder.Encode(decoder.Decode(message, IpcFormat.Auto, _ending.Token), _ending.Token).ToArray();
                while (!_group.TryAdd(item)) _group.WaitForRoom(orResult: false, _ending.Token);
            }
            _group.CompleteInput();
        }
        catch (OperationCanceledException)
        {
            // The job has ended.
        }
        catch (IpcException e)
        {
            _group.Fail(JobEnd.Failed($"could not read its input: {e.Message}", e.Id));
        }
    }

    /// <summary>Receives the next message. One that can't be read is reported.</summary>
    private bool TryReceive(MessageBuffer message)
    {
        while (true)
        {
            try
            {
                return _reader!.Receive(message);
            }
            catch (IpcException e) when (e.IsOfOneMessage)
            {
                _group.OnRecord(ErrorRecords.ToRecord(e));
            }
        }
    }

    /// <summary>Writes the output, and ends the job.</summary>
    private void Deliver()
    {
        try
        {
            while (_group.WaitForResult(_ending.Token))
            {
                if (_writer is null && _redirection is { } redirection) SendTo(redirection);
                while (_group.TryTake(out var result)) Deliver(result);
                if (_progress.Next() is { } record) _job.StreamsTo.Add(record);
            }
            _sender?.Flush();
        }
        catch (OperationCanceledException)
        {
            // The job was removed, or it was stopped before its readers were there.
        }
        catch (IpcException e)
        {
            OnNotWritten(e);
        }
        while (_group.WaitForResult(Deadline.Infinite)) DropResults();
        if (_progress.Last() is { } last) _job.StreamsTo.Add(last);
        _job.Finish(_group.End);
    }

    private void Deliver(WorkerResult result)
    {
        if (result.Record is { } record) _job.StreamsTo.AddRecord(record);
        if (result.Output is { } output) Write(output);
        if (!result.IsEnd) return;
        if (result.Item!.Failure is { } failure) _job.StreamsTo.Add(failure);
        _log?.Add(result.Item);
    }

    private void Write(byte[] output)
    {
        if (_sender is null)
        {
            var value = _serializer.Decode(output);
            _job.AddOutput(value is null ? null! : PSObject.AsPSObject(value));
        }
        else if (_redirection!.IsPrivate)
        {
            _sender.Send(output, Objects);
        }
        else
        {
            // Encoded once more, which refuses secrets: the workers did not know where it goes.
            _sender.Send(_withoutSecrets.Encode(_serializer.Decode(output), _ending.Token), Objects);
        }
    }

    private void SendTo(RedirectMessage redirection)
    {
        var writer = redirection.OpenWriter(_ending.Token);
        _sender = new BufferedSender(writer, _ending.Token);
        _writer = writer;
        // All that was delivered so far is the job's output.
        _job.OnRedirected();
        _proceed.Wait(_stopping.Token);
    }

    private void OnNotWritten(IpcException e)
    {
        // The reader has ended. So do the workers, as a program does by SIGPIPE.
        if (JobTransport.IsReaderGone(e) || (_redirection is not null && _writer is null && _job.HasNoReader()))
            _group.EndForLackOfReader();
        else _group.Fail(JobEnd.Failed($"could not write its output: {e.Message}", e.Id));
    }

    private void DropResults()
    {
        while (_group.TryTake(out var result))
        {
            if (result.Record is { } record) _job.StreamsTo.AddRecord(record);
        }
    }
}
