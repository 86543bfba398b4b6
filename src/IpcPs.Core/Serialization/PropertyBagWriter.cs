using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Writes the properties of one object. <see cref="ObjectEncoder.BeginBag"/> and similar methods create it, and <see cref="End"/>
/// must be called after the last property.</summary>
public ref struct PropertyBagWriter
{
    private readonly ObjectEncoder _encoder;
    private readonly int _begin;
    private readonly bool _isCopy;
    private int _count;

    internal PropertyBagWriter(ObjectEncoder encoder, bool isCopy)
    {
        _encoder = encoder;
        _isCopy = isCopy;
        _begin = encoder.Buffer.BeginItems(CborMajor.Map);
    }

    /// <summary>Writes one property.</summary>
    /// <param name="name">Its name. It is not empty, and differs from the other names by more than case.</param>
    /// <param name="value">Its value.</param>
    public void Add(string name, object? value)
    {
        _encoder.Buffer.Text(name);
        _encoder.Write(value);
        _count++;
    }

    /// <summary>Writes the name of a property. The caller then writes the value.</summary>
    public void AddName(string name)
    {
        _encoder.Buffer.Text(name);
        _count++;
    }

    /// <summary>Ends the object.</summary>
    public readonly void End() => _encoder.EndBag(_begin, _count, _isCopy);
}
