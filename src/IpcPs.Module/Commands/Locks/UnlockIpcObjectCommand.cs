using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>Unlock-IpcObject</c>: releases a mutex or a semaphore.</summary>
[Cmdlet(VerbsCommon.Unlock, "IpcObject")]
public sealed class UnlockIpcObjectCommand : LockCommand
{
    /// <summary>The mutex or semaphore, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget InputObject { get; set; } = null!;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (InputObject.Object is null && SessionLocks.Find(InputObject.Address) is { } kept)
        {
            Release(kept);
            return;
        }
        if (InputObject.Object is null && InputObject.Address.Scheme == IpcScheme.Mutex)
        {
            throw new IpcException(IpcErrors.InvalidOperation, $"This session has not locked '{InputObject.Address}' by its address.",
                InputObject.Address.Text, "Unlock the object with which it was locked.");
        }
        // Any process may release a semaphore.
        using var lease = Lease(InputObject);
        Release(lease.Object);
    });

    private void Release(IpcLock target)
    {
        target.Release(Options);
        SessionLocks.RecordReleased(target, Count);
    }
}
