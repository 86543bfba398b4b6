using System.Management.Automation;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Pools;

/// <summary>A child of a pool, from its start until a job takes it or it ends. One thread starts it and receives until it is ready;
/// another one reads its text and notices its end.</summary>
internal sealed class WarmChild : IDisposable
{
    private static readonly ReceiveOptions Objects = new() { Format = IpcFormat.Object };

    private readonly IpcJobPool _pool;
    private readonly CancellationTokenSource _taken = new();
    private readonly List<(JobStreamId, byte[])> _received = [];
    private readonly Queue<(bool IsError, string Line)> _text = new();
    private readonly Thread _starter;
    private Thread? _reader;
    private JobProcess? _process;
    private string? _scriptFailure;

    /// <summary>Prepares it. Nothing happens before <see cref="Start"/>.</summary>
    public WarmChild(IpcJobPool pool)
    {
        _pool = pool;
        _starter = new Thread(WarmUp) { IsBackground = true, Name = $"IpcPs warms a child of {pool.Name}" };
    }

    /// <summary>The process of a child that was ready.</summary>
    public JobProcess Process => _process!;

    /// <summary>The messages that came before the child was ready: the records of the pool's initialization script.</summary>
    public IReadOnlyList<(JobStreamId Id, byte[] Payload)> Received => _received;

    /// <summary>When it was ready, by <see cref="Environment.TickCount64"/>; null before. The pool's lock guards it.</summary>
    public long? ReadySince { get; set; }

    /// <summary>Whether the pool has ended, and it with the pool. The pool's lock guards it.</summary>
    public bool IsEnding { get; set; }

    /// <summary>Starts it in the background. It reports to the pool: <see cref="IpcJobPool.OnReady"/>,
    /// <see cref="IpcJobPool.OnEnded"/>.</summary>
    public void Start() => _starter.Start();

    /// <summary>Kills it with all programs that it started, and waits for that. The pool has dropped it.</summary>
    public void End()
    {
        Volatile.Read(ref _process)?.Child.SignalGroup(9);
        _starter.Join();
        _reader?.Join();
    }

    /// <summary>Kills it, and does not wait.</summary>
    public void Kill() => Volatile.Read(ref _process)?.Child.SignalGroup(9);

    /// <summary>Ends the reading of its text, and reports what was read. The job that took it reads it from now on.</summary>
    public void HandOverText(Action<string> onOutput, Action<string> onError)
    {
        StopReading();
        while (_text.TryDequeue(out var text)) (text.IsError ? onError : onOutput)(text.Line);
    }

    /// <summary>Releases what it waits with. The job that took it has ended.</summary>
    public void Dispose()
    {
        StopReading();
        _taken.Dispose();
    }

    private void StopReading()
    {
        _taken.Cancel();
        _reader!.Join();
    }

    private void WarmUp()
    {
        try
        {
            if (!_pool.Holds(this)) return;
            var process = new JobProcess(JobEnvironment.Of(null));
            Volatile.Write(ref _process, process);
            _reader = new Thread(ReadText) { IsBackground = true, Name = $"IpcPs watches a child of {_pool.Name}" };
            _reader.Start();
            // The pool may have ended meanwhile, before it could see the process.
            if (!_pool.Holds(this)) process.Child.SignalGroup(9);
            process.Control.Send(_pool.PreparationMessage.Span, JobControlId.Prepare.SendOptions());
            if (ReceiveUntilReady()) _pool.OnReady(this);
        }
        catch (IpcException e)
        {
            if (_process is { } process) process.Child.SignalGroup(9);
            else if (_pool.Drop(this)) _pool.OnEnded(this, $"could not be started: {e.Message}", isFinal: e.Id == IpcErrors.NotFound);
        }
    }

    private bool ReceiveUntilReady()
    {
        var message = new MessageBuffer();
        var serializer = new JobSerializer();
        ErrorRecord? lastError = null;
        while (Process.Records.Receive(message, Objects))
        {
            switch ((JobStreamId)message.StreamId)
            {
                case JobStreamId.Ready:
                    return true;
                case JobStreamId.Finished:
                    var end = FinishedMessage.From(serializer.Decode(message.Payload));
                    if (end.State != JobState.Stopped)
                    {
                        _scriptFailure = end.HasError ? $"failed in its initialization script: {lastError?.Exception.Message}"
                            : $"ended in its initialization script, with exit code {end.ExitCode}.";
                    }
                    return false;
                case JobStreamId.Error:
                    lastError = serializer.DecodeRecord<ErrorRecord>(message.Payload);
                    break;
            }
            _received.Add(((JobStreamId)message.StreamId, message.Payload.ToArray()));
        }
        return false;
    }

    private void ReadText()
    {
        var process = Process;
        var hasEnded = ChildText.ReadUntilExit(process.Child, process.Output, process.Error,
            line => _text.Enqueue((false, line)), line => _text.Enqueue((true, line)), _taken.Token);
        // A job has it, and notices its end.
        if (!hasEnded || !_pool.Drop(this)) return;
        process.Child.EndGroup(ask: false, Deadline.Immediate);
        process.Child.WaitForExit();
        _starter.Join();
        var exit = process.Child.Exit!.Value;
        process.Child.Dispose();
        process.Dispose();
        process.Channel.Dispose();
        _pool.OnEnded(this, _scriptFailure ?? Describe(exit), isFinal: _scriptFailure is not null);
    }

    private string Describe(ProcessExit exit)
    {
        var said = string.Join('\n', _text.Where(static t => t.IsError).Select(static t => t.Line).TakeLast(20));
        return said.Length == 0 || exit.Signal is not null ? $"{exit}." : $"{exit}. It said: {said}";
    }
}
