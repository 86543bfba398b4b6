using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary>The signals that a session (a runspace) collects or has registered. They end when the session closes or the module is removed
/// from it. When no session of the process uses a signal any more, the signal does again what it did before.</summary>
internal sealed class SessionSignals
{
    private static readonly Dictionary<Guid, SessionSignals> Sessions = [];

    private readonly List<SignalEventSource> _sources = [];
    private bool _hasWarnedOfLimits;

    private SessionSignals(Runspace runspace)
    {
        runspace.StateChanged += (_, change) =>
        {
            if (change.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken) End(runspace.InstanceId, isClosed: true);
        };
    }

    /// <summary>The signals of the calling thread's runspace.</summary>
    public static SessionSignals Current
    {
        get
        {
            var runspace = Runspace.DefaultRunspace;
            lock (Sessions)
            {
                if (!Sessions.TryGetValue(runspace.InstanceId, out var session))
                    Sessions.Add(runspace.InstanceId, session = new SessionSignals(runspace));
                return session;
            }
        }
    }

    /// <summary>The signals that Wait-IpcSignal collects.</summary>
    public SignalCollector Collector { get; } = new();

    /// <summary>The event subscriptions.</summary>
    public IReadOnlyList<SignalEventSource> Sources
    {
        get
        {
            lock (_sources) return [.. _sources];
        }
    }

    public void Add(SignalEventSource source)
    {
        lock (_sources) _sources.Add(source);
    }

    public void Remove(SignalEventSource source)
    {
        lock (_sources) _sources.Remove(source);
        source.Dispose();
    }

    /// <summary>Warns, once in a session, if the signals' values and senders cannot be received on this system.</summary>
    public void WarnOfLimits(Cmdlet command)
    {
        if (!SignalCollector.IsLimited || _hasWarnedOfLimits) return;
        _hasWarnedOfLimits = true;
        command.WriteWarning(
            "Signals are received through .NET, without value and sender, and real-time signals without their order. "
            + "IpcPs needs an x64 processor, and a system that allows executable memory, to do better.");
    }

    /// <summary>Ends all that a session has begun.</summary>
    /// <param name="runspace">The session.</param>
    /// <param name="isClosed">Whether the session is closed, and its event manager with it.</param>
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
