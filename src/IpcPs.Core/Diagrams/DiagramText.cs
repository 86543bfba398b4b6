using System.Globalization;
using System.Text;
using IpcPs.Connections;

namespace IpcPs.Diagrams;

/// <summary>Texts from other processes: any program chooses its name.</summary>
internal static class DiagramText
{
    /// <summary>The longest label, in characters.</summary>
    public const int LongestLabel = 34;

    // The advance of a monospaced font, as a part of its size.
    private const double Advance = 0.605;

    /// <summary>Replaces what XML does not allow, and what would change the direction or the lines of the text around it.</summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var isUsable = Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            if (isUsable) clean.Append(rune);
            else clean.Append('\uFFFD');
        }
        return clean.ToString();
    }

    /// <summary>The lines in the box of a process.</summary>
    public static string[] Lines(ConnectedProcess process)
    {
        var name = Shorten(Clean(process.ProcessName), LongestLabel);
        var id = string.Create(CultureInfo.InvariantCulture, $"pid {process.ProcessId}");
        return process.Job is null ? [name, id] : [name, id, Shorten(Clean($"job {process.Job}".TrimEnd()), LongestLabel)];
    }

    /// <summary>Cuts the middle out of a long text: the beginning and the end of an address say most.</summary>
    public static string Shorten(string text, int longest)
    {
        if (text.Length <= longest) return text;
        var head = (longest - 1) / 2;
        if (char.IsHighSurrogate(text[head - 1])) head--;
        var tail = text.Length - (longest - 1 - head);
        if (char.IsLowSurrogate(text[tail])) tail++;
        return $"{text[..head]}\u2026{text[tail..]}";
    }

    /// <summary>The width of a text in a monospaced font; characters of East Asian scripts and emoji are twice as wide.</summary>
    public static double Width(string text, double size) =>
        text.EnumerateRunes().Sum(static r => r.Value >= 0x1100 && IsWide(r.Value) ? 2 : 1) * Advance * size;

    private static bool IsWide(int code) =>
        code is <= 0x115F or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6) or >= 0x1F300;
}
