using System.Management.Automation.Runspaces;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary>The signals that a session (a runspace) collects and has registered. Those of several sessions in a process are kept apart: each gives back what it
/// took, when it is closed or the module is removed from it, and a signal returns to what it was when the last of them has.</summary>
internal sealed class SessionSignals
{
    private static readonly Dictionary<Guid, SessionSignals> Sessions = [];

    private readonly List<SignalEventSource> _sources = [];

    private SessionSignals(Runspace runspace)
    {
        runspace.StateChanged += (_, change) =>
        {
            if (change.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken) End(runspace.InstanceId, isClosed: true);
        };
    }

    /// <summary>That of the calling thread's runspace.</summary>
    public static SessionSignals Current
    {
        get
        {
            var runspace = Runspace.DefaultRunspace;
            lock (Sessions)
            {
                if (!Sessions.TryGetValue(runspace.InstanceId, out var session)) Sessions.Add(runspace.InstanceId, session = new SessionSignals(runspace));
                return session;
            }
        }
    }

    /// <summary>What Wait-IpcSignal waits on.</summary>
    public SignalCollector Collector { get; } = new();

    /// <summary>Whether the user was told that values and senders are unknown.</summary>
    public bool SaidLimits { get; set; }

    /// <summary>The event subscriptions.</summary>
    public IReadOnlyList<SignalEventSource> Sources
    {
        get
        {
            lock (_sources) return [.. _sources];
        }
    }

    /// <summary>One more.</summary>
    public void Add(SignalEventSource source)
    {
        lock (_sources) _sources.Add(source);
    }

    /// <summary>One less; its signals are given back.</summary>
    public void Remove(SignalEventSource source)
    {
        lock (_sources) _sources.Remove(source);
        source.Dispose();
    }

    /// <summary>Gives back all that a session took.</summary>
    /// <param name="runspace">Which session.</param>
    /// <param name="isClosed">Whether the session is over: its event manager is then left alone.</param>
    public static void End(Guid runspace, bool isClosed)
    {
        SessionSignals? session;
        lock (Sessions)
        {
            if (!Sessions.Remove(runspace, out session)) return;
        }
        session.Collector.Dispose();
        foreach (var source in session.Sources)
        {
            session.Remove(source);
            if (!isClosed) source.Unsubscribe();
        }
    }
}
