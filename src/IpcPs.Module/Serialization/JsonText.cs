using System.Globalization;
using System.Text;

namespace IpcPs.Module.Serialization;

/// <summary>JSON strings that are no valid Unicode: RFC 8259 allows half of a surrogate pair as an escape, System.Text.Json neither writes nor reads it.</summary>
internal static class JsonText
{
    /// <summary>Whether every surrogate has its other half.</summary>
    public static bool IsWhole(string text)
    {
        var at = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        for (var i = at; i >= 0 && i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return false;
            i++;
        }
        return true;
    }

    /// <summary>The string in quotation marks, everything but printable ASCII escaped.</summary>
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

    /// <summary>The string that is between quotation marks, its escapes resolved.</summary>
    /// <param name="json">Valid JSON, without the quotation marks.</param>
    public static string Unescape(ReadOnlySpan<byte> json)
    {
        var text = new StringBuilder(json.Length);
        var units = Encoding.UTF8.GetString(json);
        for (var i = 0; i < units.Length; i++)
        {
            if (units[i] != '\\')
            {
                text.Append(units[i]);
                continue;
            }
            switch (units[++i])
            {
                case 'u':
                    text.Append((char)ushort.Parse(units.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                    i += 4;
                    break;
                case 'b':
                    text.Append('\b');
                    break;
                case 'f':
                    text.Append('\f');
                    break;
                case 'n':
                    text.Append('\n');
                    break;
                case 'r':
                    text.Append('\r');
                    break;
                case 't':
                    text.Append('\t');
                    break;
                default:
                    text.Append(units[i]);
                    break;
            }
        }
        return text.ToString();
    }
}
