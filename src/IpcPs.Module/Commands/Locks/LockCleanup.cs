using System.Management.Automation;

namespace IpcPs.Module.Commands.Locks;

/// <summary>Called by PowerShell at <c>Remove-Module</c>: what the session had locked is given back.</summary>
public sealed class LockCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => SessionLocks.EndCurrent();
}
