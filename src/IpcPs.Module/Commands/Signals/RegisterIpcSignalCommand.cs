using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Register-IpcSignal</c>: creates a PowerShell event for each received signal.</summary>
[Cmdlet(VerbsLifecycle.Register, "IpcSignal")]
[OutputType(typeof(PSEventJob))]
public sealed class RegisterIpcSignalCommand : IpcCmdlet
{
    /// <summary>The signals. Those of one call share a subscription.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal[] Signal { get; set; } = null!;

    /// <summary>The script block to run for each signal; without one the events wait for Get-Event and Wait-Event.</summary>
    [Parameter(Position = 1)]
    public ScriptBlock? Action { get; set; }

    /// <summary>The subscription's name; IpcSignal.NAME by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SourceIdentifier { get; set; }

    /// <summary>The MessageData of each event.</summary>
    [Parameter]
    public PSObject? MessageData { get; set; }

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
        var identifier = SourceIdentifier ?? FreeIdentifier();
        if (Events.GetEventSubscribers(identifier).Any())
        {
            throw new IpcException(IpcErrors.AlreadyExists, $"There is an event subscription '{identifier}' already.", identifier,
                "Choose another -SourceIdentifier, or end that one with Unregister-Event.");
        }
        var runsDefault = Default.IsPresent;
        var source = new SignalEventSource(Events, identifier, MessageData, runsDefault && Action is null);
        try
        {
            source.Begin(Signal);
            var action = Action is not null && runsDefault ? WithDefault(Action) : Action;
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

    private string FreeIdentifier()
    {
        var name = "IpcSignal." + string.Join('.', Signal.Select(static s => s.Name));
        var free = name;
        for (var n = 2; Events.GetEventSubscribers(free).Any(); n++) free = string.Create(CultureInfo.InvariantCulture, $"{name}.{n}");
        return free;
    }

    // The event manager does not report when an action has run, so the action does it itself.
    private static ScriptBlock WithDefault(ScriptBlock action) =>
        ScriptBlock.Create($"try {{ . {{{action}\n}} @args }} finally {{ $Sender.RunDefault($EventArgs) }}");
}
