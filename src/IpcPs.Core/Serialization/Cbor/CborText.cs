using System.Text;

namespace IpcPs.Serialization.Cbor;

/// <summary>UTF-8 that must be valid.</summary>
internal static class CborText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return Strict.GetString(utf8);
        }
        catch (DecoderFallbackException e)
        {
            throw CborError.Invalid("a text is no valid UTF-8", e);
        }
    }
}
