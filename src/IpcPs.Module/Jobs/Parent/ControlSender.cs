using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Tells the child things, in order and without ever making the caller wait: an order can be larger than the pipe, and the child takes a while
/// until it listens.</summary>
internal sealed class JobControl(IpcChannel channel) : IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly object _guard = new();
    private readonly JobSerializer _codec = new();
    private Task _last = Task.CompletedTask;

    public void Send(JobStreamId lane, object? content = null)
    {
        lock (_guard)
        {
            // Encoded now: what the caller changes later is not meant.
            var payload = _codec.Encode(content).ToArray();
            // On a thread of its own: where the session keeps the pool's threads busy, a job would wait for its order, and its output for its reader.
            _last = _last.ContinueWith(_ => Deliver(lane, payload), CancellationToken.None, TaskContinuationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    public void Dispose()
    {
        _ending.Cancel();
        channel.Dispose();
    }

    private void Deliver(JobStreamId lane, byte[] payload)
    {
        try
        {
            channel.Send(payload, lane.SendOptions(), Deadline.Infinite, _ending.Token);
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            // The child has ended, which its job notices by itself.
        }
    }
}
