using System.Diagnostics;

namespace IpcPs.Messaging;

/// <summary>Sends a burst of messages in few system calls without holding back a single one: a message that follows the last one within
/// 100 us is enqueued and leaves with the others, at the latest a millisecond later; one that comes alone is sent at once.</summary>
/// <remarks>For one producer thread. A failure of a delayed flush is thrown by the next call. The delayed flush runs on the thread pool: where that is kept busy, it is late.</remarks>
public sealed class BufferedSender : IDisposable
{
    private static readonly long Burst = Stopwatch.Frequency / 10_000;
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(1);

    private readonly IpcChannel _channel;
    private readonly CancellationToken _cancellation;
    private readonly Timer _timer;
    private Exception? _failure;
    private long _last;
    private int _armed;

    /// <summary>Creates a sender; the channel stays the caller's.</summary>
    /// <param name="channel">Where to send.</param>
    /// <param name="cancellation">Ends every wait, that of the delayed flush too.</param>
    public BufferedSender(IpcChannel channel, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(channel);
        _channel = channel;
        _cancellation = cancellation;
        _timer = new Timer(static s => ((BufferedSender)s!).FlushLater(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Sends, now or within a millisecond.</summary>
    /// <exception cref="IpcException">As <see cref="IpcChannel.Send"/>; also for messages that were enqueued before.</exception>
    public void Send(ReadOnlySpan<byte> payload, in SendOptions options)
    {
        ThrowFailure();
        if (!_channel.KeepsEnqueued)
        {
            _channel.Send(payload, options, _cancellation);
            return;
        }
        var follows = Stopwatch.GetTimestamp() - _last < Burst;
        _channel.Enqueue(payload, options, _cancellation);
        if (!follows) _channel.Flush(_cancellation);
        else if (Interlocked.Exchange(ref _armed, 1) == 0) _timer.Change(Linger, Timeout.InfiniteTimeSpan);
        _last = Stopwatch.GetTimestamp();
    }

    /// <summary>Sends what is enqueued.</summary>
    /// <exception cref="IpcException">As <see cref="IpcChannel.Send"/>.</exception>
    public void Flush()
    {
        ThrowFailure();
        _channel.Flush(_cancellation);
    }

    /// <summary>Ends the delayed flush; call <see cref="Flush"/> before.</summary>
    public void Dispose()
    {
        using var ended = new ManualResetEvent(false);
        // A flush that is under way must not outlive the command it belongs to.
        if (_timer.Dispose(ended)) ended.WaitOne();
    }

    private void FlushLater()
    {
        Interlocked.Exchange(ref _armed, 0);
        try
        {
            _channel.Flush(_cancellation);
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
        }
    }

    private void ThrowFailure()
    {
        if (Interlocked.Exchange(ref _failure, null) is { } failure) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }
}
