using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Reflection;

namespace IpcPs.Host;

/// <summary>Two switches of the engine that pwsh's own host throws and that have no public form. A version of the engine without them
/// fails the host's tests, not its users: what depends on them is guarded.</summary>
internal static class EngineInternals
{
    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic;

    /// <summary>Makes `exit` in the next script file end the session, with its code; otherwise it would only end the file.</summary>
    public static void LetScriptFileExit(Runspace runspace)
    {
        var context = typeof(Runspace).GetProperty("ExecutionContext", Hidden)?.GetValue(runspace);
        context?.GetType().GetProperty("ScriptCommandProcessorShouldRethrowExit", Hidden)?.SetValue(context, true);
    }

    /// <summary>An error as an object that Out-Default renders to the error stream.</summary>
    public static PSObject AsErrorOutput(ErrorRecord record)
    {
        var wrapped = new PSObject(record);
        var stream = typeof(PSObject).GetProperty("WriteStream", Hidden);
        stream?.SetValue(wrapped, Enum.Parse(stream.PropertyType, "Error"));
        return wrapped;
    }
}
