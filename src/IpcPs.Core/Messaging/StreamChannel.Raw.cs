namespace IpcPs.Messaging;

/// <content>What a relay needs that moves the bytes of a stream past its messages.</content>
public abstract partial class StreamChannel
{
    private static readonly ReceiveOptions RawBytes = new() { Format = IpcFormat.Bytes };

    /// <summary>Keeps other threads from receiving until the result is disposed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotSupported"/>, <see cref="IpcErrors.Closed"/>,
    /// <see cref="IpcErrors.Timeout"/>.</exception>
    internal IDisposable HoldReceiving(in WaitOptions wait)
    {
        RequireReceive();
        if (!ReceiveLock!.Enter(wait)) throw IpcException.TimedOut($"another receiver on '{Address}'", Address.Text, wait.Deadline);
        OnReceiving();
        return new Held(ReceiveLock);
    }

    /// <summary>Sends what was enqueued, and keeps other threads from sending until the result is disposed.</summary>
    /// <exception cref="IpcException">As <see cref="HoldReceiving"/>.</exception>
    internal IDisposable HoldSending(in WaitOptions wait)
    {
        Flush(wait);
        if (!_sendLock.Enter(wait)) throw IpcException.TimedOut($"another sender on '{Address}'", Address.Text, wait.Deadline);
        return new Held(_sendLock);
    }

    /// <summary>Waits for bytes, and leaves them for the next receive.</summary>
    /// <returns>Whether they begin with an envelope; null at the end of the stream.</returns>
    /// <exception cref="IpcException">As <see cref="IpcChannel.Receive"/>.</exception>
    internal bool? BeginsWithEnvelope(in WaitOptions wait)
    {
        using var receiving = HoldReceiving(wait);
        return _receiver.BeginsWithEnvelope(wait);
    }

    /// <summary>Takes the bytes that earlier receives have read and not used.</summary>
    /// <returns>False if there are none.</returns>
    internal bool TakeUnread(MessageBuffer message) => HasUnread && _receiver.TryReceive(message, RawBytes) == ReceiveOutcome.Message;

    /// <summary>Called before this end receives.</summary>
    private protected virtual void OnReceiving()
    {
    }

    /// <summary>After a read of 0 bytes: whether that was the end of the stream.</summary>
    internal virtual bool IsAtEnd => true;

    /// <summary>Takes the descriptors that came with the bytes read so far.</summary>
    internal virtual IReadOnlyList<SafeDescriptor> TakeArrivedHandles() => [];

    /// <summary>Makes calls that have no MSG_DONTWAIT return instead of blocking (splice(2)), until <see cref="EndRaw"/>.</summary>
    internal virtual void BeginRaw()
    {
    }

    /// <summary>Ends what <see cref="BeginRaw"/> began.</summary>
    internal virtual void EndRaw()
    {
    }

    private sealed class Held(DeadlineLock held) : IDisposable
    {
        private DeadlineLock? _held = held;

        public void Dispose() => Interlocked.Exchange(ref _held, null)?.Exit();
    }
}
