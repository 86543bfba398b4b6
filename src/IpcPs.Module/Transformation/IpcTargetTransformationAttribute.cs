using System.Collections;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Lets a parameter of type <see cref="IpcTarget"/> take an open object, an address, a deserialized copy of an object (what
/// <c>$using:queue</c> becomes in another process) or an IpcJob.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class IpcTargetTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if (Unwrap(inputData) is not IList list) return TransformOne(inputData);
        var targets = new List<IpcTarget>(list.Count);
        foreach (var one in list)
        {
            // '$clients, $server' is an array in an array.
            if (Unwrap(one) is IList inner) targets.AddRange(inner.Cast<object?>().Select(TransformOne));
            else targets.Add(TransformOne(one));
        }
        return targets.ToArray();
    }

    private static object? Unwrap(object? value) => value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;

    private static IpcTarget TransformOne(object? value)
    {
        switch (Unwrap(value))
        {
            case IpcTarget target:
                return target;
            case IpcObject opened:
                return new IpcTarget(opened);
            case IpcAddress address:
                return new IpcTarget(address);
            case string text:
                return IpcTarget.FromText(text);
        }
        // By property and not by type: a job's class lives in the module, a deserialized copy has none.
        var properties = PSObject.AsPSObject(value ?? throw Wrong("null")).Properties;
        if (Unwrap(properties["Channel"]?.Value) is IpcObject channel) return new IpcTarget(channel);
        if (properties["Channel"]?.Value?.ToString() is { } reached && IpcAddress.TryParse(reached, out var parsed)) return new IpcTarget(parsed!);
        if (properties["Address"]?.Value?.ToString() is { } known && IpcAddress.TryParse(known, out parsed)) return new IpcTarget(parsed!);
        throw Wrong($"a {value.GetType().Name}");
    }

    private static ArgumentTransformationMetadataException Wrong(string what) =>
        new($"An IPC object, its address (like 'mq:/jobs' or 'fifo:greetings') or an IpcJob is needed here, and {what} is none of these.");
}
