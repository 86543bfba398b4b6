namespace IpcPs.Serialization.Cbor;

/// <summary>The one way in which a payload is refused.</summary>
internal static class CborError
{
    public static IpcException Invalid(string why, Exception? inner = null) =>
        new(IpcErrors.InvalidData, $"A message that claims to be an Object is none: {why}.", inner: inner) { Advice = IpcAdvice.ReceiveBytes };

    public static IpcException Truncated() => Invalid("it ends in the middle of a value");
}
