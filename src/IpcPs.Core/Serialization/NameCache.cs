using System.Text;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Names of properties and types repeat from one object to the next: those of the last ones are found by their bytes instead of made again.
/// A fixed number of places, so that a peer cannot fill memory with names.</summary>
internal sealed class NameCache
{
    private const int Places = 512;
    private const int LongestName = 64;

    private readonly string?[] _names = new string?[Places];

    /// <summary>The name with those bytes.</summary>
    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is 0 or > LongestName) return CborText.Decode(utf8);
        var hash = (uint)utf8.Length;
        foreach (var unit in utf8) hash = (hash * 31) + unit;
        ref var place = ref _names[(hash ^ (hash >> 9)) % Places];
        // Equal only where both are ASCII; any other name is decoded each time.
        if (place is { } name && name.Length == utf8.Length && Ascii.Equals(utf8, name)) return name;
        return place = CborText.Decode(utf8);
    }
}
