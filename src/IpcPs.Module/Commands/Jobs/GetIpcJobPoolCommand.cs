using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Pools;

namespace IpcPs.Module.Commands.Jobs;

/// <summary><c>Get-IpcJobPool</c>: lists the pools.</summary>
[Cmdlet(VerbsCommon.Get, "IpcJobPool")]
[OutputType(typeof(IpcJobPool))]
public sealed class GetIpcJobPoolCommand : IpcCmdlet
{
    /// <summary>The names, or patterns of names.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PoolCompleter))]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name) Try(() => WriteObject(JobPools.Match(name), enumerateCollection: true), name);
    }
}
