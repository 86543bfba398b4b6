using System.Management.Automation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary>What Register-IpcSignal makes events from: the <c>$Sender</c> of each.</summary>
public sealed class SignalEventSource : IDisposable
{
    private readonly object _lock = new();
    private readonly Dictionary<Signal, SignalSubscription> _subscriptions = [];
    private readonly PSEventManager _events;
    private readonly EventForwarder _forwarder;
    private readonly string _identifier;
    private readonly PSObject? _messageData;
    private readonly bool _runsDefault;

    internal SignalEventSource(PSEventManager events, string identifier, PSObject? messageData, bool runsDefault)
    {
        _events = events;
        _forwarder = new EventForwarder(events);
        _identifier = identifier;
        _messageData = messageData;
        _runsDefault = runsDefault;
    }

    /// <summary>Only to give PowerShell's event manager something to subscribe to. It is never raised: the manager would hand each event to the thread pool,
    /// where they overtake each other; <see cref="EventForwarder"/> keeps their order.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1822", Justification = "The event manager wants an event of the source.")]
    public event EventHandler Received
    {
        add
        {
        }
        remove
        {
        }
    }

    /// <summary>The signals.</summary>
    public IReadOnlyList<Signal> Signals
    {
        get
        {
            lock (_lock) return [.. _subscriptions.Keys];
        }
    }

    /// <summary>Does with a signal what the session would have done without the registration: what -Default calls after the action.</summary>
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

    /// <summary>The event manager's side of it.</summary>
    internal PSEventSubscriber? Subscriber { get; set; }

    /// <summary>Ends the event subscription, and with it this.</summary>
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

    /// <returns>Whether it was one of them.</returns>
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
        _forwarder.Post(_identifier, this, signal, _messageData);
        if (_runsDefault) _forwarder.Post(() => RunDefault(signal));
    }
}
