namespace IpcPs.Serialization.Cbor;

/// <summary>First bytes of CBOR's major type 7.</summary>
internal static class CborSimple
{
    public const byte False = 0xF4;
    public const byte True = 0xF5;
    public const byte Null = 0xF6;
    public const byte Undefined = 0xF7;
    public const byte Half = 0xF9;
    public const byte Single = 0xFA;
    public const byte Double = 0xFB;
    /// <summary>Ends what has no length of its own.</summary>
    public const byte Break = 0xFF;
}
