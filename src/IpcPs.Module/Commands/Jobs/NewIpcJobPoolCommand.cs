using System.Management.Automation;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Pools;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Jobs;

/// <summary><c>New-IpcJobPool</c>: starts child processes that wait for jobs.</summary>
[Cmdlet(VerbsCommon.New, "IpcJobPool", SupportsShouldProcess = true)]
[OutputType(typeof(IpcJobPool))]
public sealed class NewIpcJobPoolCommand : IpcCmdlet
{
    /// <summary>How many children are kept ready.</summary>
    [Parameter(Position = 0)]
    [ValidateRange(1, 1000)]
    public int? Size { get; set; }

    /// <summary>The pool's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>A script that each child runs before its job comes.</summary>
    [Parameter]
    public ScriptBlock? InitializationScript { get; set; }

    /// <summary>Waits until all children are ready.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>How long -Wait waits.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    private int Count => Size ?? Environment.ProcessorCount;

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (!ShouldProcess(Name ?? $"{Count} processes", "Create pool")) return;
        var pool = Require(Create);
        if (Wait) Require(() => WaitUntilReady(pool));
        WriteObject(pool);
    }

    private IpcJobPool Create()
    {
        _ = DeadlineFrom(Timeout);
        return JobPools.Create(Name, Count, new PrepareMessage
        {
            Script = InitializationScript?.ToString(),
            Using = UsingValues.Of(this, InitializationScript),
            Location = SessionState.Path.CurrentFileSystemLocation.ProviderPath,
        });
    }

    private void WaitUntilReady(IpcJobPool pool)
    {
        var deadline = DeadlineFrom(Timeout);
        try
        {
            switch (pool.WaitUntilReady(new WaitOptions(deadline, StopToken)))
            {
                case IpcJobPoolState.Ready:
                    return;
                case IpcJobPoolState.Starting:
                    throw IpcException.TimedOut($"the children of the pool '{pool.Name}'", pool.Name, deadline, IpcErrors.Timeout);
                default:
                    throw pool.HasEnded();
            }
        }
        catch
        {
            // The caller gets no pool that it could remove.
            JobPools.Remove(pool);
            throw;
        }
    }
}
