using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace IpcPs.Module.Serialization;

/// <summary>JSON strings with an unpaired surrogate. RFC 8259 allows one as an escape, but System.Text.Json neither writes nor reads
/// it.</summary>
/// <remarks>Python writes the names of files that are not valid UTF-8 as such strings. Without this class their messages would be refused.
/// Only the names of properties are not covered: there U+FFFD is written, because the writer has no raw names.</remarks>
internal static class JsonText
{
    public static bool HasUnpairedSurrogate(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAnyInRange('\uD800', '\uDFFF') is >= 0 and var at)
        {
            if (Rune.DecodeFromUtf16(text[at..], out _, out var units) != OperationStatus.Done) return true;
            text = text[(at + units)..];
        }
        return false;
    }

    /// <summary>The string in quotation marks. All characters except printable ASCII are escaped.</summary>
    public static string Escape(string text)
    {
        var json = new StringBuilder(text.Length + 16).Append('"');
        foreach (var unit in text)
        {
            if (unit is '"' or '\\') json.Append('\\').Append(unit);
            else if (unit is >= ' ' and < (char)127) json.Append(unit);
            else json.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
        }
        return json.Append('"').ToString();
    }

    /// <summary>The string without escapes.</summary>
    /// <param name="json">A valid JSON string in UTF-8, without its quotation marks. All its escapes are escapes of .NET's Regex
    /// too.</param>
    public static string Unescape(ReadOnlySpan<byte> json) => Regex.Unescape(Encoding.UTF8.GetString(json));
}
