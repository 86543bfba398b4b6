using IpcPs.Linux;
using IpcPs.Module.Transformation;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>One object of -Handle: the descriptors that the child inherits, or the address at which it opens it.</summary>
internal sealed record IpcTargetHandle(IReadOnlyList<SafeDescriptor> Descriptors, string Address)
{
    /// <summary>How an object is handed over.</summary>
    /// <exception cref="IpcException">It was closed, or has two ends.</exception>
    public static IpcTargetHandle For(IpcTarget target) =>
        new(target.Object is { } opened ? InheritedObjects.DescriptorsOf(opened) : [], target.Address.Text);
}
