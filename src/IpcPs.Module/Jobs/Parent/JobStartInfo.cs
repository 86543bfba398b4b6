using System.Collections;
using IpcPs.Linux;
using IpcPs.Module.Transformation;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The parameters of Start-IpcJob.</summary>
internal sealed record JobStartInfo
{
    /// <summary>The job's name; null to let PowerShell choose one.</summary>
    public string? Name { get; init; }

    /// <summary>The script.</summary>
    public required string Script { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<object?> Arguments { get; init; } = [];

    /// <summary>Its <c>$using:</c> values.</summary>
    public IDictionary Using { get; init; } = new Hashtable();

    /// <summary>The folder that it starts in.</summary>
    public string? Location { get; init; }

    /// <summary>The objects of -Handle.</summary>
    public IReadOnlyList<IpcTargetHandle> Handles { get; init; } = [];

    /// <summary>What carries the input; null if the job has none.</summary>
    public JobTransportFactory? Via { get; init; }
}

/// <summary>One object of -Handle: the descriptors that the child inherits, or the address that the child opens.</summary>
internal sealed record IpcTargetHandle(IReadOnlyList<SafeDescriptor> Descriptors, string Address)
{
    /// <summary>The way in which the child gets an object.</summary>
    /// <exception cref="IpcException">The object was closed, or has two ends.</exception>
    public static IpcTargetHandle For(IpcTarget target) =>
        new(target.Object is { } opened ? InheritedObjects.DescriptorsOf(opened) : [], target.Address.Text);
}
