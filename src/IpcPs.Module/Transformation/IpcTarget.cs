using System.Collections;
using System.ComponentModel;
using System.Management.Automation;
using IpcPs.Mechanisms;
using IpcPs.Module.Commands.Readiness;
using IpcPs.Pipes;

namespace IpcPs.Module.Transformation;

/// <summary>The argument of a parameter that accepts an IPC object: an object that this process has open, or an address.</summary>
[TypeConverter(typeof(IpcTargetConverter))]
public sealed class IpcTarget
{
    private readonly IpcAddress? _address;
    private readonly IpcException? _problem;
    private readonly string _text;

    internal IpcTarget(IpcObject opened)
        : this(opened.Address) => Object = opened;

    internal IpcTarget(IpcAddress address)
    {
        _address = address;
        _text = address.Text;
    }

    // A text that is not an address. The command reports it, as an error with an id; a failed conversion would have none.
    private IpcTarget(string text, IpcException problem)
    {
        _text = text;
        _problem = problem;
    }

    /// <summary>The open object; null if the user gave only its address.</summary>
    public IpcObject? Object { get; }

    /// <summary>Whether the user wrote a text, which can be a pattern. An object and its address stand for themselves, whatever
    /// characters its name has.</summary>
    internal bool IsText { get; private init; }

    /// <summary>The object's address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidAddress"/>: the text is not an address.</exception>
    public IpcAddress Address => _address ?? throw _problem!;

    /// <inheritdoc/>
    public override string ToString() => _text;

    internal static IpcTarget FromText(string text)
    {
        try
        {
            return new IpcTarget(IpcAddress.Parse(text)) { IsText = true };
        }
        catch (IpcException e)
        {
            // As the error shows it: an address with a password in it is shown without it.
            return new IpcTarget(e.Advice == IpcAdvice.PassCredential ? e.Target! : text, e) { IsText = true };
        }
    }

    /// <summary>Returns the open object, or opens the address for this call.</summary>
    /// <param name="access">What the call does with the object.</param>
    /// <param name="wait">How long opening may wait, and what cancels the wait.</param>
    /// <param name="isLast">Whether no later call will open it again.</param>
    /// <exception cref="IpcException">It cannot be opened, or it is not a <typeparamref name="T"/>.</exception>
    internal IpcLease<T> Lease<T>(IpcAccess access, in WaitOptions wait, bool isLast = false)
        where T : IpcObject
    {
        var opened = Object ?? IpcMechanisms.Open(Address, new OpenOptions { Access = access, ForOneCall = !isLast }, wait);
        if (opened is T wanted) return new IpcLease<T>(wanted, owned: Object is null);
        if (Object is null) opened.Dispose();
        var hint = opened is DuplexPipe ? "Use its .Near or .Far end." : null;
        throw new IpcException(IpcErrors.WrongKind, $"'{Address}' ({opened.Kind}) does not support this operation.", Address.Text, hint);
    }
}

/// <summary>An open object for the duration of a call. The call closes the object only if it opened it.</summary>
internal sealed class IpcLease<T>(T target, bool owned) : IDisposable
    where T : IpcObject
{
    public T Object { get; } = target;

    /// <summary>Whether the call opened the object.</summary>
    public bool IsOwned { get; } = owned;

    public void Dispose()
    {
        if (IsOwned) Object.Dispose();
    }
}

/// <summary>Lets an <see cref="IpcTarget"/> parameter accept an open object, an address, an IpcJob, or a copy of one from another
/// process.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class IpcTargetTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if (Unwrapped.Value(inputData) is not IList list) return TransformOne(inputData);
        var targets = new List<IpcTarget>(list.Count);
        foreach (var one in list)
        {
            // '$clients, $server' is an array in an array.
            if (Unwrapped.Value(one) is IList inner) targets.AddRange(inner.Cast<object?>().Select(TransformOne));
            else targets.Add(TransformOne(one));
        }
        return targets.ToArray();
    }

    internal static IpcTarget TransformOne(object? value)
    {
        switch (Unwrapped.Value(value))
        {
            case IpcTarget target:
                return target;
            case IpcObject opened:
                return new IpcTarget(opened);
            case IpcAddress address:
                return new IpcTarget(address);
            case IpcReadyObject ready:
                return TransformOne(ready.Object);
            case string text:
                return IpcTarget.FromText(text);
        }
        // By property and not by type, because a deserialized copy of a job or an object has another type.
        var properties = PSObject.AsPSObject(value ?? throw Wrong("null")).Properties;
        if (Unwrapped.Value(properties["Channel"]?.Value) is IpcObject channel) return new IpcTarget(channel);
        if (properties["Channel"]?.Value?.ToString() is { } channelAddress && IpcAddress.TryParse(channelAddress, out var parsed))
            return new IpcTarget(parsed!);
        if (Unwrapped.Value(properties["Relay"]?.Value) is IpcObject relay) return new IpcTarget(relay);
        if (properties["Address"]?.Value?.ToString() is { } objectAddress && IpcAddress.TryParse(objectAddress, out parsed))
            return new IpcTarget(parsed!);
        throw Wrong($"an object of type {value.GetType().Name}");
    }

    private static ArgumentTransformationMetadataException Wrong(string what) =>
        new($"An IPC object, its address (such as 'mq:/jobs' or 'fifo:greetings') or an IpcJob is expected, not {what}.");
}

/// <summary>Converts to an <see cref="IpcTarget"/>.</summary>
public sealed class IpcTargetConverter : ArgumentConverter
{
    private protected override object Convert(object? value) => IpcTargetTransformationAttribute.TransformOne(value);
}

internal static class Unwrapped
{
    /// <summary>The .NET object inside a PSObject. A property bag has none, and stays as it is.</summary>
    public static object? Value(object? value) => value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;
}
