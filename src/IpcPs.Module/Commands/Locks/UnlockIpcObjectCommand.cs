using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>Unlock-IpcObject</c>: gives back a mutex, or some of a semaphore.</summary>
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
            GiveBack(kept);
            return;
        }
        if (InputObject.Object is null && InputObject.Address.Scheme == IpcScheme.Mutex)
            throw new IpcException(IpcErrors.InvalidOperation, $"This session has not locked '{InputObject.Address}' by its address.", InputObject.Address.Text, "Unlock the object with which it was locked.");
        // A semaphore may be given by anybody.
        using var lease = InputObject.Lease<IpcLock>(IpcAccess.ReadWrite, StopToken);
        GiveBack(lease.Object);
    });

    private void GiveBack(IpcLock target)
    {
        target.Release(Options);
        SessionLocks.RecordReleased(target, Count);
    }
}
