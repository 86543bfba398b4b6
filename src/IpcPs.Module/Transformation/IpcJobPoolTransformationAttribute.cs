using System.Management.Automation;
using IpcPs.Module.Jobs.Pools;

namespace IpcPs.Module.Transformation;

/// <summary>Lets an <see cref="IpcJobPool"/> parameter accept a pool or its name.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class IpcJobPoolTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => One(Unwrapped.Value(inputData));

    internal static IpcJobPool One(object? value) => value switch
    {
        IpcJobPool pool => pool,
        string name => JobPools.Find(name)
            ?? throw new ArgumentTransformationMetadataException($"This session has no pool '{name}'. Create it with New-IpcJobPool."),
        _ => throw new ArgumentTransformationMetadataException(
            $"A pool or its name is expected, not {(value is null ? "null" : $"an object of type {value.GetType().Name}")}."),
    };
}

/// <summary>Converts to an <see cref="IpcJobPool"/>.</summary>
public sealed class IpcJobPoolConverter : ArgumentConverter
{
    private protected override object Convert(object? value) => IpcJobPoolTransformationAttribute.One(value);
}
