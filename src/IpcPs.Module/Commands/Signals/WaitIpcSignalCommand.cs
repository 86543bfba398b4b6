using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Wait-IpcSignal</c>: waits for signals, and collects them from then on.</summary>
[Cmdlet(VerbsLifecycle.Wait, "IpcSignal", DefaultParameterSetName = WaitSet)]
[OutputType(typeof(ReceivedSignal), ParameterSetName = [WaitSet])]
public sealed class WaitIpcSignalCommand : IpcCmdlet
{
    private const string WaitSet = "Wait";
    private const string ArmSet = "Arm";

    /// <summary>The signals.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal[] Signal { get; set; } = null!;

    /// <summary>How many signals to wait for, of all kinds together.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    public long Count { get; set; } = 1;

    /// <summary>How long to wait for each signal: seconds, or a TimeSpan.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>Begins to collect the signals, and does not wait.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ArmSet)]
    public SwitchParameter ArmOnly { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (Count < 1) throw IpcException.Argument($"-Count must be 1 or more, and is {Count}.");
        // Before anything is collected: a wrong timeout must not leave signals collected.
        _ = DeadlineFrom(Timeout);
        var session = SessionSignals.Current;
        WarnOfInterrupt(session);
        session.Collector.Add(Signal);
        session.WarnOfLimits(this);
        if (ArmOnly) return;
        using var wait = session.Collector.BeginWait(Signal);
        for (long received = 0; received < Count; received++)
        {
            var deadline = DeadlineFrom(Timeout);
            var signal = wait.Next(new(deadline, StopToken)) ?? throw IpcException.TimedOut(Describe(), Describe(), deadline);
            if (signal.Lost > 0)
                WriteWarning($"{signal.Lost} {signal.Signal} before this one were lost: more came than the session's buffer holds.");
            WriteObject(signal);
        }
    });

    // A user at a prompt is about to lose Ctrl+C.
    private void WarnOfInterrupt(SessionSignals session)
    {
        if (MyInvocation.CommandOrigin != CommandOrigin.Runspace || Console.IsInputRedirected) return;
        if (!Signal.Any(static s => s.Name == "INT") || session.Collector.Signals.Any(static s => s.Name == "INT")) return;
        WriteWarning("Ctrl+C is collected from now on, and interrupts nothing in this session until 'Unregister-IpcSignal INT'.");
    }

    private string Describe() => string.Join(" or ", Signal.Select(static s => s.Name));
}
