using IpcPs.Module.Tests.Documentation;
using IpcPs.Module.Tests.Jobs;
using IpcPs.Module.Tests.Jobs.Remote;
using IpcPs.Module.Tests.Pester;
using IpcPs.Module.Tests.Signals;
using Xunit;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("IpcPs.Module.Tests.LongestFirst", "IpcPs.Module.Tests")]

namespace IpcPs.Module.Tests;

/// <summary>Classes run side by side: one that takes long and begins last would run alone in the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        nameof(Pester.PesterTests), SshHostsCollection.Name, nameof(Documentation.PrintedHelpExampleTests), nameof(Jobs.JobPipelineTests),
        nameof(Documentation.PrintedExampleTests), nameof(Jobs.JobLifeTests), nameof(Signals.SignalShellTests)
    ];

    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(Place);

    private static int Place(ITestCollection collection)
    {
        var place = Array.FindIndex(Long, name => collection.DisplayName.EndsWith(name, StringComparison.Ordinal));
        return place < 0 ? Long.Length : place;
    }
}
