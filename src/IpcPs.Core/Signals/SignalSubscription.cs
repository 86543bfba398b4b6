using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>Calls a method for each signal of one kind that this process receives, until it is disposed.</summary>
/// <remarks>A signal may have any number of subscriptions and collectors. Each subscription gets every signal. What
/// <see cref="SignalCollector"/> says about signals is true here too, with one exception: the signals of a subscription are read as they
/// arrive, so a slow subscriber does not cause a sender to fail.</remarks>
public sealed class SignalSubscription : IDisposable
{
    private readonly SignalStream _stream;
    private readonly Action<ReceivedSignal> _received;
    private int _isDisposed;

    /// <summary>Subscribes to a signal.</summary>
    /// <param name="signal">The signal.</param>
    /// <param name="received">Called with each one, in order, on a thread of IpcPs. It must return quickly and must not throw.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>: it cannot be received.</exception>
    public SignalSubscription(Signal signal, Action<ReceivedSignal> received)
    {
        ArgumentNullException.ThrowIfNull(received);
        _stream = SignalStream.For(signal);
        // A new delegate, so that an action that is given twice is called twice.
        _received = new Action<ReceivedSignal>(received.Invoke);
        _stream.Subscribe(_received);
    }

    /// <summary>The signal.</summary>
    public Signal Signal => _stream.Signal;

    /// <summary>Does what the process would have done with the signal without IpcPs: calls its earlier handler, or else takes the kernel's
    /// default action, which for most signals is to end the process.</summary>
    public void RunPrevious() => _stream.RunPrevious();

    /// <summary>Ends the subscription. The last one of a signal restores the earlier handler and mask.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) _stream.Unsubscribe(_received);
    }
}
