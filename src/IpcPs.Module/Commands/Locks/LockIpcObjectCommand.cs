using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>Lock-IpcObject</c>: acquires a mutex or a semaphore, and waits until that is possible.</summary>
[Cmdlet(VerbsCommon.Lock, "IpcObject")]
[OutputType(typeof(IpcLock))]
public sealed class LockIpcObjectCommand : AcquireLockCommand
{
    /// <summary>The mutex or semaphore, or its address. The session keeps the object of an address open until Unlock-IpcObject gets the
    /// same address.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget InputObject { get; set; } = null!;

    /// <summary>Returns the open object, which has .OwnerDied.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // Terminating: without the lock, the rest of the script would do what the lock prevents.
        var acquired = Require(Acquire);
        if (PassThru) WriteObject(acquired);
    }

    private IpcLock Acquire()
    {
        var deadline = DeadlineFrom(Timeout, NoWait);
        var isAddress = InputObject.Object is null;
        var kept = isAddress ? SessionLocks.Find(InputObject.Address) : null;
        var target = kept ?? Lease(InputObject).Object;
        try
        {
            Acquire(target, deadline);
        }
        catch when (isAddress && kept is null)
        {
            target.Dispose();
            throw;
        }
        // A wait for zero acquires nothing.
        if (Count > 0) SessionLocks.RecordAcquired(target, Count, keep: isAddress);
        else if (isAddress && kept is null && !PassThru) target.Dispose();
        return target;
    }
}
