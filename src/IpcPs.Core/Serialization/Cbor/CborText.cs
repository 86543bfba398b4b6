using System.Buffers;
using System.Text;

namespace IpcPs.Serialization.Cbor;

/// <summary>Decodes text strings, which must be valid UTF-8.</summary>
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
            throw CborError.Invalid("a text is not valid UTF-8", e);
        }
    }
}

/// <summary>UTF-8 in which an unpaired surrogate is encoded as if it were a character (WTF-8).</summary>
/// <remarks>A .NET string may contain such a surrogate, and UTF-8 has no form for it. Sources are an emoji that was cut in half at a
/// column, and names of files that are not valid UTF-8: Python reads those as strings with unpaired surrogates. Without this form such a
/// string would arrive changed, and a name would no longer be the name of its file.</remarks>
internal static class Wtf8
{
    public static byte[] Encode(ReadOnlySpan<char> text)
    {
        var bytes = new byte[text.Length * 3];
        var length = 0;
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var units) == OperationStatus.Done)
            {
                length += rune.EncodeToUtf8(bytes.AsSpan(length));
            }
            else
            {
                int surrogate = text[0];
                bytes[length++] = (byte)(0xE0 | (surrogate >> 12));
                bytes[length++] = (byte)(0x80 | ((surrogate >> 6) & 0x3F));
                bytes[length++] = (byte)(0x80 | (surrogate & 0x3F));
            }
            text = text[units..];
        }
        return bytes.AsSpan(0, length).ToArray();
    }

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new char[bytes.Length];
        var length = 0;
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var size) == OperationStatus.Done)
            {
                length += rune.EncodeToUtf16(text.AsSpan(length));
            }
            else
            {
                // ED A0 80 to ED BF BF: the three bytes of a surrogate.
                if (bytes is not [0xED, >= 0xA0 and <= 0xBF, >= 0x80 and <= 0xBF, ..]) throw CborError.Invalid("a text is not valid WTF-8");
                text[length++] = (char)(0xD000 | ((bytes[1] & 0x3F) << 6) | (bytes[2] & 0x3F));
                size = 3;
            }
            bytes = bytes[size..];
        }
        return new string(text, 0, length);
    }
}

/// <summary>Finds the names of properties and types by their bytes, because they repeat from one object to the next. Only a name that was
/// not seen lately becomes a new string. The number of names is fixed, so that a peer cannot fill memory with them.</summary>
internal sealed class NameCache
{
    private const int Capacity = 512;
    private const int LongestName = 64;

    private readonly string?[] _names = new string?[Capacity];

    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is 0 or > LongestName) return CborText.Decode(utf8);
        var hash = (uint)utf8.Length;
        foreach (var unit in utf8) hash = (hash * 31) + unit;
        ref var cached = ref _names[(hash ^ (hash >> 9)) % Capacity];
        // Equal only where both are ASCII. Any other name is decoded each time.
        if (cached is { } name && name.Length == utf8.Length && Ascii.Equals(utf8, name)) return name;
        return cached = CborText.Decode(utf8);
    }
}
