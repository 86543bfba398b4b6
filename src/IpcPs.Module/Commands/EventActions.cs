using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Commands;

/// <summary>What the commands that register events have in common.</summary>
internal static class EventActions
{
    /// <summary>An action that goes on after an error, and runs a statement when it ends. The event manager never again calls an action
    /// that has thrown, and does not report when an action has run. It copies the caught error from $Error to the event job.</summary>
    /// <param name="action">The user's action; null for none.</param>
    /// <param name="statement">What it does when it ends.</param>
    public static ScriptBlock? Guarded(ScriptBlock? action, string statement = "") => action is null ? null
        : ScriptBlock.Create($"try {{ . {{{action}\n}} @args }} catch {{ }} finally {{ {statement} }}");

    /// <summary>A name that no subscription has: the wanted one, or that with a number.</summary>
    public static string FreeIdentifier(this PSEventManager events, string name)
    {
        var free = name;
        for (var n = 2; events.GetEventSubscribers(free).Any(); n++) free = string.Create(CultureInfo.InvariantCulture, $"{name}.{n}");
        return free;
    }

    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>.</exception>
    public static void RequireFree(this PSEventManager events, string identifier)
    {
        if (!events.GetEventSubscribers(identifier).Any()) return;
        throw new IpcException(IpcErrors.AlreadyExists, $"There is an event subscription '{identifier}' already.", identifier,
            "Choose another -SourceIdentifier, or end that one with Unregister-Event.");
    }
}
