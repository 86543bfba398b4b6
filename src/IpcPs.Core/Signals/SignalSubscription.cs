using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>Tells of each signal of one kind that this process receives, until it is disposed. Any number of subscriptions and collectors of a signal may be
/// there: each subscription is told of every one.</summary>
/// <remarks>What is true of collected signals (<see cref="SignalCollector"/>) is true here, but for one thing: a subscription's signals are read as they come, so a
/// sender is never refused because the subscriber is slow.</remarks>
public sealed class SignalSubscription : IDisposable
{
    private readonly SignalStream _stream;
    private readonly Action<ReceivedSignal> _received;
    private int _isDisposed;

    /// <summary>Begins.</summary>
    /// <param name="signal">Which signal.</param>
    /// <param name="received">Called with each one, in order, on a thread of IpcPs's own: it must return quickly and must not throw.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>: it can't be received.</exception>
    public SignalSubscription(Signal signal, Action<ReceivedSignal> received)
    {
        ArgumentNullException.ThrowIfNull(received);
        _stream = SignalStreams.For(signal);
        // One of our own, so that the same action given twice counts twice.
        _received = new Action<ReceivedSignal>(received.Invoke);
        _stream.Subscribe(_received);
    }

    /// <summary>Which signal.</summary>
    public Signal Signal => _stream.Signal;

    /// <summary>Does what the process would have done with the signal had IpcPs not been there: calls the handler that it had before, or what the kernel does
    /// by default, which for most signals is to end the process.</summary>
    public void RunPrevious() => _stream.RunPrevious();

    /// <summary>Ends it. The last one of a signal gives the signal back: its handler and mask are as before.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) _stream.Unsubscribe(_received);
    }
}
