using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Unregister-IpcSignal</c>: ends what Register-IpcSignal and Wait-IpcSignal began in this session. The signal then does what
/// it did before.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "IpcSignal", SupportsShouldProcess = true, DefaultParameterSetName = NamedSet)]
public sealed class UnregisterIpcSignalCommand : IpcCmdlet
{
    private const string NamedSet = "Named";
    private const string AllSet = "All";

    /// <summary>The signals.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = NamedSet)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal[] Signal { get; set; } = null!;

    /// <summary>All signals that this session has registered or collects.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AllSet)]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var session = SessionSignals.Current;
        var signals = All
            ? session.Collector.Signals.Concat(session.Sources.SelectMany(static s => s.Signals)).Distinct().Order()
            : Signal.AsEnumerable();
        foreach (var signal in signals.ToArray())
        {
            if (ShouldProcess(signal.Name, "Unregister signal")) Try(() => End(session, signal), signal.Name);
        }
    }

    private static void End(SessionSignals session, Signal signal)
    {
        var found = session.Collector.Remove(signal);
        foreach (var source in session.Sources)
        {
            if (!source.End(signal)) continue;
            found = true;
            if (source.Signals.Count == 0) source.Unsubscribe();
        }
        if (found) return;
        throw new IpcException(IpcErrors.InvalidOperation, $"{signal} is neither registered nor collected in this session.", signal.Name);
    }
}
