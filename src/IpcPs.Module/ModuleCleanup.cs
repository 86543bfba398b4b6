using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Module.Commands.Locks;
using IpcPs.Module.Commands.Messaging;
using IpcPs.Module.Commands.Signals;
using IpcPs.Module.Jobs.Pools;

namespace IpcPs.Module;

/// <summary>Called by PowerShell at <c>Remove-Module</c>: the session releases its locks, and ends its signal subscriptions and
/// its pools of children.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        SessionLocks.EndCurrent();
        if (Runspace.DefaultRunspace is not { } runspace) return;
        SessionSignals.End(runspace.InstanceId, isClosed: false);
        MessageEventSource.EndSession(runspace.InstanceId);
        JobPools.EndSession(runspace.InstanceId);
    }
}
