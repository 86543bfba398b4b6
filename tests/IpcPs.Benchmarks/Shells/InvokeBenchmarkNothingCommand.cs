using System.Management.Automation;

namespace IpcPs.Benchmarks.Shells;

/// <summary>A compiled cmdlet that does nothing with what is piped into it: how fast PowerShell's own pipeline is.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "BenchmarkNothing")]
public sealed class InvokeBenchmarkNothingCommand : PSCmdlet
{
    /// <summary>Ignored.</summary>
    [Parameter(ValueFromPipeline = true)]
    public object? InputObject { get; set; }
}
