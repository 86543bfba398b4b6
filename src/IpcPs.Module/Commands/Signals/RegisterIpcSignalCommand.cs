using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Register-IpcSignal</c>: makes a PowerShell event of each signal.</summary>
[Cmdlet(VerbsLifecycle.Register, "IpcSignal")]
[OutputType(typeof(PSEventJob))]
public sealed class RegisterIpcSignalCommand : IpcCmdlet
{
    /// <summary>Which signals; those of one call share a subscription.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal[] Signal { get; set; } = null!;

    /// <summary>What to run for each; without it the events wait for Get-Event and Wait-Event.</summary>
    [Parameter(Position = 1)]
    public ScriptBlock? Action { get; set; }

    /// <summary>The subscription's name; by default IpcSignal.NAME.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SourceIdentifier { get; set; }

    /// <summary>What each event carries as MessageData.</summary>
    [Parameter]
    public PSObject? MessageData { get; set; }

    /// <summary>Ends the subscription after so many events; 0 for never.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int MaxTriggerCount { get; set; }

    /// <summary>Afterwards does what the session would have done without the registration: TERM, HUP and INT then still end or interrupt it.</summary>
    [Parameter]
    public SwitchParameter Default { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var session = SessionSignals.Current;
        var identifier = SourceIdentifier ?? FreeIdentifier();
        if (Events.GetEventSubscribers(identifier).Any())
            throw new IpcException(IpcErrors.AlreadyExists, $"There is an event subscription '{identifier}' already.", identifier, "Choose another -SourceIdentifier, or end that one with Unregister-Event.");
        var runsDefault = Default.IsPresent;
        var source = new SignalEventSource(Events, identifier, MessageData, runsDefault && Action is null);
        try
        {
            source.Begin(Signal);
            var action = Action is not null && runsDefault ? WithDefault(Action) : Action;
            var subscriber = Events.SubscribeEvent(source, nameof(SignalEventSource.Received), identifier, MessageData, action, supportEvent: false, forwardEvent: false, MaxTriggerCount);
            source.Subscriber = subscriber;
            session.Add(source);
            subscriber.Unsubscribed += (_, _) => session.Remove(source);
            SignalWarnings.SayLimits(this, session);
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

    // The event manager doesn't say when an action has run, so the action says it.
    private static ScriptBlock WithDefault(ScriptBlock action) =>
        ScriptBlock.Create($"try {{ . {{{action}\n}} @args }} finally {{ $Sender.RunDefault($EventArgs) }}");
}
