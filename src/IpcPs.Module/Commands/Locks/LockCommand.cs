using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Locks;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary>What the commands that take and give locks have in common: how many, of which.</summary>
public abstract class LockCommand : IpcCmdlet
{
    /// <summary>How many; 1 by default. 0 waits until a System V semaphore is zero.</summary>
    [Parameter]
    public int Count { get; set; } = 1;

    /// <summary>Which semaphore of a System V set, from 0.</summary>
    [Parameter]
    public int Index { get; set; }

    /// <summary>System V: the kernel is not to give it back when this process ends.</summary>
    [Parameter]
    public SwitchParameter NoUndo { get; set; }

    private protected LockOptions Options => new() { Count = Count, Index = Index, NoUndo = NoUndo, Holder = Runspace.DefaultRunspace?.InstanceId };

    /// <summary>Takes it, and warns where its last holder died.</summary>
    private protected void Take(IpcLock target, Deadline deadline)
    {
        target.Acquire(Options, new(deadline, StopToken));
        if (target is IpcMutex { OwnerDied: true } mutex)
            WriteWarning($"Process {mutex.DeadOwnerId} ended while it held '{mutex.Address}', and never gave it back: what the mutex guards may be half changed. It is this session's now.");
    }

    /// <summary>Opens what only its address is known of.</summary>
    private protected IpcLock OpenLock(IpcTarget target) => target.Lease<IpcLock>(IpcAccess.ReadWrite, StopToken).Object;
}
