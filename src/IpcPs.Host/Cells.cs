using System.Text;

namespace IpcPs.Host;

/// <summary>How many columns of a terminal text takes.</summary>
internal static class Cells
{
    /// <summary>Two for what East Asia writes in full width, none for marks that combine, one for the rest.</summary>
    public static int Width(char c) => c switch
    {
        < '\u0300' => char.IsControl(c) ? 0 : 1,
        < '\u0370' or '\u200b' or '\u200c' or '\u200d' or '\ufe0f' => 0,
        >= '\u1100' and <= '\u115f' or >= '\u2e80' and <= '\ua4cf' or >= '\uac00' and <= '\ud7a3' or >= '\uf900' and <= '\ufaff'
            or >= '\ufe30' and <= '\ufe6f' or >= '\uff01' and <= '\uff60' or >= '\uffe0' and <= '\uffe6' => 2,
        // A pair of surrogates is nearly always an emoji or an ideograph: two columns, one for each half.
        _ => 1,
    };

    public static int Width(ReadOnlySpan<char> text)
    {
        var width = 0;
        foreach (var c in text) width += Width(c);
        return width;
    }

    /// <summary>The part of a text that fits.</summary>
    public static string Cut(string text, int columns)
    {
        var width = 0;
        var end = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            width += rune.Utf16SequenceLength == 2 ? 2 : Width((char)rune.Value);
            if (width > columns) return text[..end];
            end += rune.Utf16SequenceLength;
        }
        return text;
    }
}
