using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Commands;

/// <summary>The base of the commands that create PowerShell events, with the parameters of Register-ObjectEvent.</summary>
public abstract class EventCommand : IpcCmdlet
{
    /// <summary>The script block to run for each event; without one the events wait for Get-Event and Wait-Event.</summary>
    [Parameter(Position = 1)]
    public ScriptBlock? Action { get; set; }

    /// <summary>The subscription's name; by default it names the source.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SourceIdentifier { get; set; }

    /// <summary>The MessageData of each event.</summary>
    [Parameter]
    public PSObject? MessageData { get; set; }

    /// <summary>-SourceIdentifier; or the name, with a number if there is a subscription of that name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>: -SourceIdentifier is the name of another one.</exception>
    private protected string Identifier(string name)
    {
        if (SourceIdentifier is null)
        {
            var free = name;
            for (var n = 2; Exists(free); n++) free = string.Create(CultureInfo.InvariantCulture, $"{name}.{n}");
            return free;
        }
        if (!Exists(SourceIdentifier)) return SourceIdentifier;
        throw new IpcException(IpcErrors.AlreadyExists, $"There is an event subscription '{SourceIdentifier}' already.", SourceIdentifier,
            "Choose another -SourceIdentifier, or end that one with Unregister-Event.");
    }

    /// <summary>An action that goes on after an error. A statement runs before it, and one when it ends. The event manager never again
    /// calls an action that has thrown, and does not report when an action has run. It copies the caught error from $Error to the event
    /// job.</summary>
    private protected ScriptBlock? GuardedAction(string before, string after) => Action is null ? null
        : ScriptBlock.Create($"try {{ {before}\n. {{{Action}\n}} @args }} catch {{ }} finally {{ {after} }}");

    private bool Exists(string identifier) => Events.GetEventSubscribers(identifier).Any();
}
