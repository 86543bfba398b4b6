using System.Collections;
using IpcPs.Linux;
using IpcPs.Module.Transformation;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>What Start-IpcJob was asked for.</summary>
internal sealed record JobStartInfo
{
    /// <summary>The job's name; null for one that PowerShell makes up.</summary>
    public string? Name { get; init; }

    /// <summary>The script.</summary>
    public required string Script { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<object?> Arguments { get; init; } = [];

    /// <summary>Its <c>$using:</c> values.</summary>
    public IDictionary Using { get; init; } = new Hashtable();

    /// <summary>Where it starts.</summary>
    public string? Location { get; init; }

    /// <summary>Objects to hand over.</summary>
    public IReadOnlyList<IpcTargetHandle> Handles { get; init; } = [];

    /// <summary>What carries the input; null where nothing is piped to the job.</summary>
    public JobTransportFactory? Via { get; init; }
}

/// <summary>One object of -Handle: the descriptors that the child inherits, or the address at which it opens it.</summary>
internal sealed record IpcTargetHandle(IReadOnlyList<SafeDescriptor> Descriptors, string Address)
{
    /// <summary>How an object is handed over.</summary>
    /// <exception cref="IpcException">It was closed, or has two ends.</exception>
    public static IpcTargetHandle For(IpcTarget target) =>
        new(target.Object is { } opened ? InheritedObjects.DescriptorsOf(opened) : [], target.Address.Text);
}
