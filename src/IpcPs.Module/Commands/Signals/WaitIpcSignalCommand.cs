using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Wait-IpcSignal</c>: waits for signals, and has them collected from then on.</summary>
[Cmdlet(VerbsLifecycle.Wait, "IpcSignal", DefaultParameterSetName = WaitSet)]
[OutputType(typeof(ReceivedSignal), ParameterSetName = [WaitSet])]
public sealed class WaitIpcSignalCommand : IpcCmdlet
{
    private const string WaitSet = "Wait";
    private const string ArmSet = "Arm";

    /// <summary>Which signals.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal[] Signal { get; set; } = null!;

    /// <summary>How many to wait for, all kinds together.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    public long Count { get; set; } = 1;

    /// <summary>How long to wait for each: seconds, or a TimeSpan.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Only begins collecting.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ArmSet)]
    public SwitchParameter ArmOnly { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (Count < 1) throw IpcException.Argument($"-Count must be 1 or more, and is {Count}.");
        // Before anything is armed: a wrong time-out must not leave signals collected.
        _ = DeadlineFrom(Timeout);
        var session = SessionSignals.Current;
        SignalWarnings.SayInterrupt(this, session, Signal);
        session.Collector.Add(Signal);
        SignalWarnings.SayLimits(this, session);
        if (ArmOnly) return;
        using var wait = session.Collector.BeginWait(Signal);
        for (long received = 0; received < Count; received++)
        {
            var deadline = DeadlineFrom(Timeout);
            var signal = wait.Next(new(deadline, StopToken)) ?? throw IpcException.TimedOut(Describe(), Describe(), deadline);
            SignalWarnings.SayLost(this, signal);
            WriteObject(signal);
        }
    });

    private string Describe() => string.Join(" or ", Signal.Select(static s => s.Name));
}
