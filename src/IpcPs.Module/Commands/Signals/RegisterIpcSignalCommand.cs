using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Register-IpcSignal</c>: creates a PowerShell event for each received signal.</summary>
[Cmdlet(VerbsLifecycle.Register, "IpcSignal")]
[OutputType(typeof(PSEventJob))]
public sealed class RegisterIpcSignalCommand : EventCommand
{
    /// <summary>The signals. Those of one call share a subscription.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal[] Signal { get; set; } = null!;

    /// <summary>Ends the subscription after this many events; 0 for never.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int MaxTriggerCount { get; set; }

    /// <summary>Then does what the session would have done without the registration: TERM and HUP end it, INT interrupts it.</summary>
    [Parameter]
    public SwitchParameter Default { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var session = SessionSignals.Current;
        var identifier = Identifier("IpcSignal." + string.Join('.', Signal.Select(static s => s.Name)));
        var runsDefault = Default.IsPresent;
        var source = new SignalEventSource(Events, identifier, MessageData, runsDefault && Action is null);
        try
        {
            source.Begin(Signal);
            var action = GuardedAction("", runsDefault ? "$Sender.RunDefault($EventArgs)" : "");
            var subscriber = Events.SubscribeEvent(
                source, nameof(SignalEventSource.Received), identifier, MessageData, action,
                supportEvent: false, forwardEvent: false, MaxTriggerCount);
            source.Subscriber = subscriber;
            session.Add(source);
            subscriber.Unsubscribed += (_, _) => session.Remove(source);
            session.WarnOfLimits(this);
            if (Action is not null) WriteObject(subscriber.Action);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    });
}
