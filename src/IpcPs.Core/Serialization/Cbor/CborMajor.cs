namespace IpcPs.Serialization.Cbor;

/// <summary>The major types of CBOR (RFC 8949, section 3.1), as the upper three bits of a head's first byte.</summary>
internal enum CborMajor
{
    Unsigned = 0 << 5,
    Negative = 1 << 5,
    Bytes = 2 << 5,
    Text = 3 << 5,
    Array = 4 << 5,
    Map = 5 << 5,
    Tag = 6 << 5,
    Simple = 7 << 5,
}
