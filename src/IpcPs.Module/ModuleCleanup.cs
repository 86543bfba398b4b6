using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Module.Commands.Signals;

namespace IpcPs.Module;

/// <summary>Called by PowerShell when the module is removed from a session: what the session took of the process is given back.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        if (Runspace.DefaultRunspace is { } runspace) SessionSignals.End(runspace.InstanceId, isClosed: false);
    }
}
