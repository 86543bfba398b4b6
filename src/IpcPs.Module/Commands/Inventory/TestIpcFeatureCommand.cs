using System.Management.Automation;
using IpcPs.Inventory;
using IpcPs.Module.Completion;

namespace IpcPs.Module.Commands.Inventory;

/// <summary><c>Test-IpcFeature</c>: whether this machine has a mechanism, found out by using it.</summary>
[Cmdlet(VerbsDiagnostic.Test, "IpcFeature")]
[OutputType(typeof(IpcFeature), typeof(bool))]
public sealed class TestIpcFeatureCommand : IpcCmdlet
{
    /// <summary>Which; all without it.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(FeatureCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Gives $true or $false alone: whether all of them are there.</summary>
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
