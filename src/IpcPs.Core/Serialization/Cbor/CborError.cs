namespace IpcPs.Serialization.Cbor;

/// <summary>The one way in which a payload is refused.</summary>
internal static class CborError
{
    public static IpcException Invalid(string why, Exception? inner = null) =>
        new(IpcErrors.InvalidData, $"A message that claims to be an Object is none: {why}.", null, "Receive with -Format Bytes to see what the other side sends.", inner);

    public static IpcException Truncated() => Invalid("it ends in the middle of a value");
}
