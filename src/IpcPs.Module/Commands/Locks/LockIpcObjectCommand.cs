using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>Lock-IpcObject</c>: takes a mutex, or some of a semaphore, and waits until that can be done.</summary>
[Cmdlet(VerbsCommon.Lock, "IpcObject")]
[OutputType(typeof(IpcLock))]
public sealed class LockIpcObjectCommand : LockCommand
{
    /// <summary>The mutex or semaphore, or its address; by its address the session keeps it open until Unlock-IpcObject is given the same one.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget InputObject { get; set; } = null!;

    /// <summary>How long to wait, in seconds or as a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Does not wait.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Gives the open object, which has .OwnerDied.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // Terminating: whoever goes on without the lock does what the lock is there to prevent.
        var taken = Require(() =>
        {
            var deadline = DeadlineFrom(Timeout, NoWait);
            var kept = InputObject.Object is null ? SessionLocks.Find(InputObject.Address) : null;
            var target = kept ?? OpenLock(InputObject);
            try
            {
                Take(target, deadline);
            }
            catch when (kept is null && InputObject.Object is null)
            {
                target.Dispose();
                throw;
            }
            // A wait for zero takes nothing.
            if (Count > 0) SessionLocks.RecordAcquired(target, Count, keep: InputObject.Object is null);
            else if (InputObject.Object is null && kept is null && !PassThru) target.Dispose();
            return target;
        });
        if (PassThru) WriteObject(taken);
    }
}
