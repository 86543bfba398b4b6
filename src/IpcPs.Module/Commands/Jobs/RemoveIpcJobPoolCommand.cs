using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Pools;

namespace IpcPs.Module.Commands.Jobs;

/// <summary><c>Remove-IpcJobPool</c>: ends the children of pools that wait for a job. Jobs that have a child already go on.</summary>
[Cmdlet(VerbsCommon.Remove, "IpcJobPool", SupportsShouldProcess = true, DefaultParameterSetName = nameof(Name))]
public sealed class RemoveIpcJobPoolCommand : IpcCmdlet
{
    /// <summary>The names, or patterns of names.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = nameof(Name))]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PoolCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The pools.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = nameof(InputObject))]
    [ValidateNotNullOrEmpty]
    public IpcJobPool[] InputObject { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var pool in InputObject) Remove(pool);
        foreach (var name in Name)
        {
            Try(() =>
            {
                foreach (var pool in JobPools.Match(name)) Remove(pool);
            }, name);
        }
    }

    private void Remove(IpcJobPool pool)
    {
        if (ShouldProcess(pool.Name, "Remove pool")) JobPools.Remove(pool);
    }
}
