using IpcPs.Addresses;
using IpcPs.Connections;
using IpcPs.Diagrams;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>The example and the picture of the chapter "Seeing it work".</summary>
public sealed class SeeingTests
{
    private const string Picture = "docs/handbook/images/stuck-pool.svg";

    private readonly string _name = $"seeing-{Guid.NewGuid():n}"[..16];

    /// <summary>The picture of the chapter is the one that the example draws, with process ids that stay. To change it, run this test with
    /// the environment variable IPCPS_DRAW=1.</summary>
    [Fact]
    public void The_picture_of_the_chapter_is_what_the_example_draws()
    {
        using var session = new ModuleSession();
        var connections = session.Run($"& '{Example}' -Name {_name} -PassThru 3>$null").NoErrors().Values.Cast<IpcConnection>().ToList();
        var waits = connections.FindAll(static c => c.State == IpcConnectionState.Waits);
        var mutex = waits.FindAll(static c => c.Kind == "mutex");
        Assert.Equal(2, mutex.Count);
        var holder = Assert.Single(mutex.Select(static c => c.To.ProcessId).Distinct());
        var queue = Assert.Single(waits, static c => c.Scheme == IpcScheme.SysVMq);
        Assert.Equal(25, queue.Depth);
        // Which worker has which part is chance, and also which one has received last.
        var parts = new Dictionary<int, ConnectedProcess>
        {
            [holder] = new(1001, "pwsh", "worker2"),
            [mutex[0].From.ProcessId] = new(1002, "pwsh", "worker1"),
            [mutex[1].From.ProcessId] = new(1003, "pwsh", "worker3"),
            [queue.From.ProcessId] = new(1004, "pwsh", "sender"),
        };
        ConnectedProcess Part(ConnectedProcess one) => parts.GetValueOrDefault(one.ProcessId) ?? new(1000, "pwsh");
        var drawn = connections.Select(c => c with
        {
            From = Part(c.From),
            To = c.Scheme == IpcScheme.SysVMq ? parts[mutex[1].From.ProcessId] : Part(c.To),
            // Output of a job may be on its way.
            Depth = c.Kind == "job" ? null : c.Depth,
            AddressText = c.Scheme == IpcScheme.SysVMq ? "sysvmq:id=7" : c.AddressText.Replace(_name, "shop", StringComparison.Ordinal),
        }).OrderBy(static c => c.ToString(), StringComparer.Ordinal);
        var options = new DiagramOptions { Format = DiagramFormat.Svg, Title = "A stuck pool of workers" };
        var svg = IpcDiagram.Draw([.. drawn], options) + "\n";
        var path = Path.Combine(Build.RepositoryRoot, Picture);
        if (Environment.GetEnvironmentVariable("IPCPS_DRAW") == "1") File.WriteAllText(path, svg);
        Assert.Equal(File.ReadAllText(path).TrimEnd(), svg.TrimEnd());
    }

    [Fact]
    public void The_example_shows_each_step_and_leaves_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("ipcps-test-").FullName;
        try
        {
            var result = Shell.Pwsh.Run($"""
                & '{Example}' -Name {_name} -Picture '{folder}/p.svg' 3>$null
                (Get-IpcObject '*{_name}*' -All 3>$null).AddressText
                """).Succeeded();
            Assert.Contains("FULL", result.Output, StringComparison.Ordinal);
            Assert.Matches(@"STUCK \S+ by \w+\s*\S*", result.Output);
            Assert.Contains("2 waiting", result.Output, StringComparison.Ordinal);
            Assert.Contains("100 orders were written. order 3 costs seven", result.Lines[^1], StringComparison.Ordinal);
            Assert.StartsWith("<svg", File.ReadAllText($"{folder}/p.svg"), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Example => Path.Combine(Build.RepositoryRoot, "docs/examples/seeing/stuck-pool.ps1");
}
