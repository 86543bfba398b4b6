using System.Collections.Concurrent;
using System.Management.Automation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary>The source of the events of one Register-IpcSignal: the <c>$Sender</c> of each.</summary>
public sealed class SignalEventSource : IDisposable
{
    private readonly object _lock = new();
    private readonly Dictionary<Signal, SignalSubscription> _subscriptions = [];
    private readonly PSEventManager _events;
    private readonly EventForwarder _forwarder = new();
    private readonly string _identifier;
    private readonly PSObject? _messageData;
    private readonly bool _runsDefault;

    internal SignalEventSource(PSEventManager events, string identifier, PSObject? messageData, bool runsDefault)
    {
        _events = events;
        _identifier = identifier;
        _messageData = messageData;
        _runsDefault = runsDefault;
    }

    /// <summary>Never raised. PowerShell's event manager needs an event to subscribe to, but it would handle each one on the thread pool,
    /// where a later signal can overtake an earlier one. <see cref="EventForwarder"/> keeps their order.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1822", Justification = "The event manager needs an instance event.")]
    public event EventHandler Received
    {
        add
        {
        }
        remove
        {
        }
    }

    /// <summary>The registered signals.</summary>
    public IReadOnlyList<Signal> Signals
    {
        get
        {
            lock (_lock) return Indexed.Of(_subscriptions.Keys);
        }
    }

    /// <summary>Does what the session would do with the signal without the registration. -Default calls it after the action.</summary>
    public void RunDefault(ReceivedSignal signal)
    {
        ArgumentNullException.ThrowIfNull(signal);
        SignalSubscription? subscription;
        lock (_lock) _subscriptions.TryGetValue(signal.Signal, out subscription);
        subscription?.RunPrevious();
    }

    /// <summary>The signals' names.</summary>
    public override string ToString() => string.Join(", ", Signals);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var subscription in _subscriptions.Values) subscription.Dispose();
            _subscriptions.Clear();
        }
    }

    internal PSEventSubscriber? Subscriber { get; set; }

    /// <summary>Ends the event subscription, which disposes this source.</summary>
    internal void Unsubscribe()
    {
        if (Subscriber is { } subscriber) _events.UnsubscribeEvent(subscriber);
    }

    internal void Begin(IEnumerable<Signal> signals)
    {
        lock (_lock)
        {
            foreach (var signal in signals.Distinct()) _subscriptions.Add(signal, new SignalSubscription(signal, Forward));
        }
    }

    /// <returns>Whether the signal was registered here.</returns>
    internal bool End(Signal signal)
    {
        lock (_lock)
        {
            if (!_subscriptions.Remove(signal, out var subscription)) return false;
            subscription.Dispose();
            return true;
        }
    }

    private void Forward(ReceivedSignal signal)
    {
        // "In this thread" means that the event is queued by this thread. The manager would queue it on the thread pool otherwise.
        _forwarder.Post(() => _events.GenerateEvent(
            _identifier, this, [this, signal], _messageData, processInCurrentThread: true, waitForCompletionInCurrentThread: false));
        if (_runsDefault) _forwarder.Post(() => RunDefault(signal));
    }

    /// <summary>Passes signals to PowerShell's event manager in order, on a thread of the pool. When the session is at its prompt,
    /// the manager returns only after the event's action has run, and the thread that reads signals must not wait for that.</summary>
    private sealed class EventForwarder
    {
        private readonly ConcurrentQueue<Action> _waiting = new();
        private int _isRunning;

        public void Post(Action action)
        {
            _waiting.Enqueue(action);
            if (Interlocked.Exchange(ref _isRunning, 1) == 0)
                ThreadPool.UnsafeQueueUserWorkItem(static f => f.Run(), this, preferLocal: false);
        }

        private void Run()
        {
            do
            {
                while (_waiting.TryDequeue(out var action)) Perform(action);
                Volatile.Write(ref _isRunning, 0);
                // An action that was posted between the two lines did not start another run.
            }
            while (!_waiting.IsEmpty && Interlocked.Exchange(ref _isRunning, 1) == 0);
        }

        private static void Perform(Action action)
        {
            try
            {
                action();
            }
            catch (Exception e) when (e is InvalidOperationException or PSInvalidOperationException)
            {
                // The session is closing and takes no more events.
            }
        }
    }
}
