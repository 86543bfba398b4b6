using System.Collections;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Signals;

namespace IpcPs.Module.Transformation;

/// <summary>Lets a parameter of type <see cref="Signal"/> take a name with or without SIG, a number, RTMIN+n, RTMAX-n, or what Get-IpcSignal or Wait-IpcSignal gave.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SignalTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = Unwrap(inputData);
        return value is IList list ? list.Cast<object?>().Select(static o => One(Unwrap(o))).ToArray() : One(value);
    }

    private static object? Unwrap(object? value) => value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;

    private static Signal One(object? value)
    {
        switch (value)
        {
            case Signal signal:
                return signal;
            case SignalDescription description:
                return description.Signal;
            case ReceivedSignal received:
                return received.Signal;
        }
        var text = Convert.ToString(value is PSObject o ? o.Properties["Name"]?.Value : value, CultureInfo.InvariantCulture);
        try
        {
            return Signal.Parse(text ?? "");
        }
        catch (IpcException e)
        {
            throw new ArgumentTransformationMetadataException($"{e.Message} {ErrorRecords.RecommendedAction(e)}", e);
        }
    }
}
