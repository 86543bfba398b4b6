using System.Text.Json;
using Xunit;

namespace IpcPs.Module.Tests.Jobs.Remote;

/// <summary>The example of docs/examples/more-than-one-machine, as a user runs it.</summary>
public sealed class MachinesExampleTests
{
    [MachinesFact]
    public void The_results_are_right_while_a_host_and_two_brokers_are_lost()
    {
        var example = Path.Combine(Build.RepositoryRoot, "docs", "examples", "more-than-one-machine", "two-hosts-three-brokers.ps1");
        var texts = Path.Combine(Build.RepositoryRoot, "docs", "handbook");
        var result = Shell.Pwsh.Run($$"""
            $ProgressPreference = 'SilentlyContinue'
            & '{{example}}' -Path '{{texts}}' -Orders 500 | ConvertTo-Json -Compress
            """).Succeeded();
        var parts = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal(["WordCount Right", "Orders Right"],
            parts.EnumerateArray().Select(static p => $"{p.GetProperty("Part").GetString()} {p.GetProperty("Result").GetString()}"));
    }
}

/// <summary>A test that needs other hosts and brokers.</summary>
internal sealed class MachinesFactAttribute : FactAttribute
{
    public MachinesFactAttribute() =>
        Skip = SshFactAttribute.Missing ?? (Shell.Find("nats-server") is null ? "nats-server is not on PATH." : null);
}
