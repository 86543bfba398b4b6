using System.Management.Automation;
using IpcPs.Inventory;
using IpcPs.Module.Completion;

namespace IpcPs.Module.Commands.Inventory;

/// <summary><c>Test-IpcFeature</c>: tests whether this machine has a mechanism, by using it.</summary>
[Cmdlet(VerbsDiagnostic.Test, "IpcFeature")]
[OutputType(typeof(IpcFeature), typeof(bool))]
public sealed class TestIpcFeatureCommand : IpcCmdlet
{
    /// <summary>The features to test; all by default.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(FeatureCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Returns only $true or $false: whether all of them are available.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var features = (Name ?? [.. IpcFeatures.Names]).Select(IpcFeatures.Test).ToList();
        if (Quiet) WriteObject(features.TrueForAll(static f => f.IsAvailable));
        else WriteObject(features, enumerateCollection: true);
    });
}
