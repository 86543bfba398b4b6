using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Takes the properties of one bag: from <see cref="ObjectEncoder.BeginBag"/> and its kin, ended by <see cref="End"/>.</summary>
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
    /// <param name="name">Its name: not empty, and in this bag only once, in whatever case.</param>
    /// <param name="value">Its value.</param>
    public void Add(string name, object? value)
    {
        _encoder.Buffer.Text(name);
        _encoder.Write(value);
        _count++;
    }

    /// <summary>Writes the name of a property whose value the caller writes next, itself.</summary>
    public void AddName(string name)
    {
        _encoder.Buffer.Text(name);
        _count++;
    }

    /// <summary>Finishes the bag.</summary>
    public readonly void End() => _encoder.EndBag(_begin, _count, _isCopy);
}
