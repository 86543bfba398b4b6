using IpcPs.Mechanisms;
using IpcPs.Pipes;

namespace IpcPs.Module.Transformation;

/// <summary>What a parameter that takes an IPC object was given: an object that this process has open, or an address to open.</summary>
public sealed class IpcTarget
{
    private readonly IpcAddress? _address;
    private readonly IpcException? _problem;
    private readonly string _text;

    internal IpcTarget(IpcObject opened)
    {
        Object = opened;
        _address = opened.Address;
        _text = _address.Text;
    }

    internal IpcTarget(IpcAddress address)
    {
        _address = address;
        _text = address.Text;
    }

    /// <summary>A text that is no address: reported when it is used, as an error with an id of its own and not as a failed conversion.</summary>
    internal IpcTarget(string text, IpcException problem)
    {
        _text = text;
        _problem = problem;
    }

    /// <summary>The open object; null where only its address was given.</summary>
    public IpcObject? Object { get; }

    /// <summary>Where it is.</summary>
    /// <exception cref="IpcException">The text that was given is no address.</exception>
    public IpcAddress Address => _address ?? throw _problem!;

    /// <inheritdoc/>
    public override string ToString() => _text;

    /// <summary>Parses an address, keeping what is wrong with it for later.</summary>
    internal static IpcTarget FromText(string text)
    {
        try
        {
            return new IpcTarget(IpcAddress.Parse(text));
        }
        catch (IpcException e)
        {
            return new IpcTarget(text, e);
        }
    }

    /// <summary>The object, opened for this call where only an address was given.</summary>
    /// <param name="access">What for.</param>
    /// <param name="wait">Until when opening may wait, and what cancels the wait.</param>
    /// <exception cref="IpcException">Opening failed, or it is an object of another kind.</exception>
    internal IpcLease<T> Lease<T>(IpcAccess access, in WaitOptions wait)
        where T : IpcObject
    {
        var opened = Object ?? IpcMechanisms.Open(Address, new OpenOptions { Access = access }, wait);
        if (opened is T wanted) return new IpcLease<T>(wanted, owned: Object is null);
        if (Object is null) opened.Dispose();
        var hint = opened is DuplexPipe ? "Use its .Near or .Far end." : null;
        throw new IpcException(IpcErrors.WrongKind, $"'{Address}' ({opened.Kind}) does not do this.", Address.Text, hint);
    }
}
