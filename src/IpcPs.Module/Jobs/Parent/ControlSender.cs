using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Sends control messages to a job's child, in order. The caller never waits: a message can be larger than the pipe's buffer, and
/// a new child needs a while before it receives.</summary>
/// <remarks>Each job has one thread for it. The thread pool would be too late if the session keeps its threads busy, and a thread for
/// several jobs would make all of them wait for the slowest child.</remarks>
internal sealed class ControlSender : IDisposable
{
    private readonly IpcChannel _channel;
    private readonly Queue<(JobControlId Id, byte[] Payload)> _messages = new();
    private readonly JobSerializer _serializer = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Thread _thread;

    public ControlSender(IpcChannel channel, string jobName)
    {
        _channel = channel;
        _thread = new Thread(Run) { IsBackground = true, Name = $"IpcPs controls {jobName}" };
        _thread.Start();
    }

    /// <summary>Enqueues a message; after <see cref="Dispose"/> does nothing.</summary>
    public void Send(JobControlId id, object? content = null)
    {
        lock (_messages)
        {
            // Encoded now, because the caller may change the content later.
            _messages.Enqueue((id, _serializer.Encode(content).ToArray()));
            Monitor.Pulse(_messages);
        }
    }

    /// <summary>Enqueues a message whose content is encoded already, and is not changed any more.</summary>
    public void SendEncoded(JobControlId id, byte[] payload)
    {
        lock (_messages)
        {
            _messages.Enqueue((id, payload));
            Monitor.Pulse(_messages);
        }
    }

    /// <summary>Ends the thread, also in the middle of a message, and closes the pipe.</summary>
    public void Dispose()
    {
        lock (_messages)
        {
            _ending.Cancel();
            Monitor.Pulse(_messages);
        }
        _channel.Dispose();
        // In the middle of a send, the thread still has the descriptor open.
        _thread.Join();
    }

    private void Run()
    {
        try
        {
            var wait = new WaitOptions(Deadline.Infinite, _ending.Token);
            while (Next(out var isLast) is { } message)
            {
                // Several that wait already cost one system call.
                _channel.Enqueue(message.Payload, message.Id.SendOptions(), wait);
                if (isLast) _channel.Flush(wait);
            }
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            // The child has ended, which its job notices by itself.
        }
    }

    private (JobControlId Id, byte[] Payload)? Next(out bool isLast)
    {
        lock (_messages)
        {
            isLast = true;
            while (!_ending.IsCancellationRequested)
            {
                if (_messages.TryDequeue(out var message))
                {
                    isLast = _messages.Count == 0;
                    return message;
                }
                Monitor.Wait(_messages);
            }
            return null;
        }
    }
}
