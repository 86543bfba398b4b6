using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Module.Commands.Locks;
using IpcPs.Module.Commands.Signals;

namespace IpcPs.Module;

/// <summary>Called by PowerShell at <c>Remove-Module</c>: the session releases its locks and ends its signal subscriptions.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        SessionLocks.EndCurrent();
        if (Runspace.DefaultRunspace is { } runspace) SessionSignals.End(runspace.InstanceId, isClosed: false);
    }
}
