using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>Use-IpcLock</c>: runs a script block while it holds a lock, and gives the lock back however the block ends.</summary>
[Cmdlet(VerbsOther.Use, "IpcLock")]
[OutputType(typeof(object))]
public sealed class UseIpcLockCommand : LockCommand
{
    // Runs in the caller's scope, as ForEach-Object's does, and its output goes on as it comes.
    private static readonly ScriptBlock Runner = ScriptBlock.Create("param($block) . $block");

    /// <summary>The mutex or semaphore, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget InputObject { get; set; } = null!;

    /// <summary>What is done while it is held.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    public ScriptBlock ScriptBlock { get; set; } = null!;

    /// <summary>How long to wait, in seconds or as a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Does not wait.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        using var lease = Require(() => InputObject.Lease<IpcLock>(IpcAccess.ReadWrite, StopToken));
        var target = lease.Object;
        Require(() =>
        {
            Take(target, DeadlineFrom(Timeout, NoWait));
            return true;
        });
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
                // Removed, or given back by the block itself. An exception here would hide the block's own.
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
