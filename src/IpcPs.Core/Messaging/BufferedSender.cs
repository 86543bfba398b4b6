using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace IpcPs.Messaging;

/// <summary>Sends bursts of messages in few system calls, and delays no single message. A message that follows the previous one within
/// 100 us is enqueued, and sent with others at the latest a millisecond later. Any other message is sent at once.</summary>
/// <remarks>For one producer thread. If a delayed flush fails, the next call throws its exception. The delayed flush runs on the thread
/// pool: while all of the pool's threads are busy, it is late.</remarks>
public sealed class BufferedSender : IDisposable
{
    private static readonly long BurstInterval = Stopwatch.Frequency / 10_000;    // 100 us
    private static readonly TimeSpan FlushDelay = TimeSpan.FromMilliseconds(1);

    private readonly IpcChannel _channel;
    private readonly CancellationToken _cancellation;
    private Timer? _flushTimer;
    private Exception? _failure;
    private long _lastSend;
    private int _flushScheduled;

    /// <summary>Creates a sender on a channel, which the caller keeps and closes.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="cancellation">Cancels every wait for buffer space, including that of the delayed flush.</param>
    public BufferedSender(IpcChannel channel, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(channel);
        _channel = channel;
        _cancellation = cancellation;
    }

    /// <summary>Sends a message, at once or within a millisecond.</summary>
    /// <exception cref="IpcException">As <see cref="IpcChannel.Send"/>; also the failure of a message that was enqueued before.</exception>
    public void Send(ReadOnlySpan<byte> payload, in SendOptions options)
    {
        ThrowFailure();
        if (_channel.ConfirmsLater)
        {
            _channel.Enqueue(payload, options, _cancellation);
            return;
        }
        if (!_channel.KeepsEnqueued)
        {
            _channel.Send(payload, options, _cancellation);
            return;
        }
        var inBurst = Stopwatch.GetTimestamp() - _lastSend < BurstInterval;
        _channel.Enqueue(payload, options, _cancellation);
        if (!inBurst) _channel.Flush(_cancellation);
        else if (Interlocked.Exchange(ref _flushScheduled, 1) == 0) ScheduleFlush();
        _lastSend = Stopwatch.GetTimestamp();
    }

    /// <summary>Sends the messages that are enqueued.</summary>
    /// <exception cref="IpcException">As <see cref="IpcChannel.Send"/>.</exception>
    public void Flush()
    {
        ThrowFailure();
        _channel.Flush(_cancellation);
    }

    /// <summary>Cancels the delayed flush. Call <see cref="Flush"/> first, or enqueued messages stay in the channel.</summary>
    public void Dispose()
    {
        // A single message needs no timer.
        if (_flushTimer is null) return;
        using var stopped = new ManualResetEvent(false);
        // Waits for a flush that is running: it must not use the channel after this call.
        if (_flushTimer.Dispose(stopped)) stopped.WaitOne();
    }

    private void ScheduleFlush()
    {
        _flushTimer ??= new Timer(static s => ((BufferedSender)s!).FlushDelayed(), this, Timeout.Infinite, Timeout.Infinite);
        _flushTimer.Change(FlushDelay, Timeout.InfiniteTimeSpan);
    }

    private void FlushDelayed()
    {
        Interlocked.Exchange(ref _flushScheduled, 0);
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
        if (Interlocked.Exchange(ref _failure, null) is { } failure) ExceptionDispatchInfo.Throw(failure);
    }
}
