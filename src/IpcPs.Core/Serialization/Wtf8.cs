namespace IpcPs.Serialization;

/// <summary>UTF-8 in which a surrogate without its other half is encoded as if it were a character (WTF-8), so that any .NET string survives: a file name that
/// was no valid text, half of an emoji that was cut at a column.</summary>
internal static class Wtf8
{
    public static byte[] Encode(ReadOnlySpan<char> text)
    {
        var bytes = new byte[text.Length * 3];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            int code = text[i];
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) code = char.ConvertToUtf32(text[i], text[++i]);
            length += Put(bytes.AsSpan(length), code);
        }
        return bytes.AsSpan(0, length).ToArray();
    }

    /// <summary>The string; null where the bytes are not WTF-8.</summary>
    public static string? Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new char[bytes.Length];
        var length = 0;
        for (var i = 0; i < bytes.Length;)
        {
            int first = bytes[i];
            var size = first switch { < 0x80 => 1, >= 0xC2 and < 0xE0 => 2, >= 0xE0 and < 0xF0 => 3, >= 0xF0 and < 0xF5 => 4, _ => 0 };
            if (size == 0 || i + size > bytes.Length) return null;
            var code = size == 1 ? first : first & (0x7F >> size);
            for (var k = 1; k < size; k++)
            {
                if ((bytes[i + k] & 0xC0) != 0x80) return null;
                code = (code << 6) | (bytes[i + k] & 0x3F);
            }
            // Overlong forms would give one string two spellings.
            if ((size == 3 && code < 0x800) || (size == 4 && code is < 0x10000 or > 0x10FFFF)) return null;
            if (code < 0x10000)
            {
                text[length++] = (char)code;
            }
            else
            {
                text[length++] = (char)(0xD800 + ((code - 0x10000) >> 10));
                text[length++] = (char)(0xDC00 + ((code - 0x10000) & 0x3FF));
            }
            i += size;
        }
        return new string(text, 0, length);
    }

    private static int Put(Span<byte> target, int code)
    {
        switch (code)
        {
            case < 0x80:
                target[0] = (byte)code;
                return 1;
            case < 0x800:
                target[0] = (byte)(0xC0 | (code >> 6));
                target[1] = (byte)(0x80 | (code & 0x3F));
                return 2;
            case < 0x10000:
                target[0] = (byte)(0xE0 | (code >> 12));
                target[1] = (byte)(0x80 | ((code >> 6) & 0x3F));
                target[2] = (byte)(0x80 | (code & 0x3F));
                return 3;
            default:
                target[0] = (byte)(0xF0 | (code >> 18));
                target[1] = (byte)(0x80 | ((code >> 12) & 0x3F));
                target[2] = (byte)(0x80 | ((code >> 6) & 0x3F));
                target[3] = (byte)(0x80 | (code & 0x3F));
                return 4;
        }
    }
}
