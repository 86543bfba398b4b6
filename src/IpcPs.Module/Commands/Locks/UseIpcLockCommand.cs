using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>Use-IpcLock</c>: runs a script block while it holds a lock, and releases the lock however the block ends.</summary>
[Cmdlet(VerbsOther.Use, "IpcLock")]
[OutputType(typeof(object))]
public sealed class UseIpcLockCommand : AcquireLockCommand
{
    // Runs the block in the caller's scope, as ForEach-Object does, and passes its output on as it comes.
    private static readonly ScriptBlock Runner = ScriptBlock.Create("param($block) . $block");

    /// <summary>The mutex or semaphore, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget InputObject { get; set; } = null!;

    /// <summary>The script block to run.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    public ScriptBlock ScriptBlock { get; set; } = null!;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        using var lease = Require(() => Lease(InputObject));
        var target = lease.Object;
        Require(() => Acquire(target, DeadlineFrom(Timeout, NoWait)));
        IpcException? problem = null;
        var options = Options;
        using (SessionLocks.Guard(() =>
        {
            try
            {
                if (options.Count > 0) target.Release(options);
            }
            catch (IpcException e)
            {
                // Removed, or released by the block itself. An exception here would hide the block's own.
                problem = e;
            }
        }))
        {
            using var running = Runner.GetSteppablePipeline(CommandOrigin.Internal, [ScriptBlock]);
            running.Begin(this);
            running.Process();
            running.End();
        }
        if (problem is not null) WriteError(ErrorRecords.ToRecord(problem));
    }
}
