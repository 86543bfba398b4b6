using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Locks;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary>The base of the commands that acquire and release locks.</summary>
public abstract class LockCommand : IpcCmdlet
{
    /// <summary>How much to acquire or release; 1 by default. With 0, Lock-IpcObject waits until a System V semaphore is zero.</summary>
    [Parameter]
    public int Count { get; set; } = 1;

    /// <summary>The semaphore of a System V set, from 0.</summary>
    [Parameter]
    public int Index { get; set; }

    /// <summary>System V: the kernel does not release the semaphore when this process ends.</summary>
    [Parameter]
    public SwitchParameter NoUndo { get; set; }

    private protected LockOptions Options =>
        new() { Count = Count, Index = Index, NoUndo = NoUndo, Holder = Runspace.DefaultRunspace?.InstanceId };

    private protected IpcLease<IpcLock> Lease(IpcTarget target) => target.Lease<IpcLock>(IpcAccess.ReadWrite, StopToken);
}

/// <summary>The base of the commands that acquire locks.</summary>
public abstract class AcquireLockCommand : LockCommand
{
    /// <summary>How long to wait, in seconds or as a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>Does not wait.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Acquires the lock, and warns if its last holder died.</summary>
    private protected void Acquire(IpcLock target, Deadline deadline)
    {
        target.Acquire(Options, new(deadline, StopToken));
        if (target is not IpcMutex { OwnerDied: true } mutex) return;
        WriteWarning($"Process {mutex.DeadOwnerId} ended while it held '{mutex.Address}'. "
            + "The data that the mutex protects may be half changed. This session holds the mutex now.");
    }
}
