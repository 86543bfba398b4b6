using System.Globalization;
using System.Text;
using IpcPs.Module.Views;
using IpcPs.Watching;

namespace IpcPs.Module.Commands.Watching;

/// <summary>Draws samples as the lines of a terminal.</summary>
public static class WatchFrame
{
    private const int BarWidth = 8;
    private const int DepthWidth = 11;
    private const int RateWidth = 7;
    // The columns of fixed width, with a space before each.
    private const int Fixed = BarWidth + DepthWidth + (2 * RateWidth) + 5;
    private const int ShortestAddress = 12;
    private const int ShortestNote = 13;
    private const IpcSampleMarks Urgent = IpcSampleMarks.Full | IpcSampleMarks.DeadHolder | IpcSampleMarks.StuckLock;

    /// <summary>Draws one frame: a line with totals, the names of the columns, the objects, and a line that explains.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="time">When they were taken.</param>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="height">Lines of the terminal.</param>
    /// <returns>At most <paramref name="height"/> lines of at most <paramref name="width"/> characters, without colours. The objects begin
    /// at the third.</returns>
    public static IReadOnlyList<string> Lines(IReadOnlyList<IpcSample> samples, DateTime time, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(samples);
        var (address, note) = Widths(width);
        List<string> lines = [Totals(samples, time), Row("ADDRESS", "FILL", "DEPTH", "MSG/S", "BYTES/S", "HOLDERS, STATE", address)];
        var rows = Math.Max(height - 3, 0);
        foreach (var sample in Sorted(samples).Take(rows))
        {
            lines.Add(Row(
                Clean(sample.AddressText), SampleText.Bar(sample, BarWidth), SampleText.Depth(sample), SampleText.Messages(sample),
                SampleText.Bytes(sample), note > 0 ? Clean(SampleText.Note(sample)) : "", address));
        }
        var more = samples.Count > rows ? $"{samples.Count - rows} more.  " : "";
        lines.Add($"{more}q quits.  ~ is at least so much: the change of the depth.");
        return [.. lines.Take(height).Select(l => Fit(l, width).TrimEnd())];
    }

    /// <summary>Draws one frame as the text that a terminal gets: each line, and what clears the rest of it and of the screen.</summary>
    public static string Draw(IReadOnlyList<IpcSample> samples, DateTime time, int width, int height, bool hasColors)
    {
        // The last column stays empty: what clears the rest of a line would clear it too.
        width = Math.Max(width - 1, 1);
        var lines = Lines(samples, time, width, height);
        var sorted = Sorted(samples).ToList();
        var text = new StringBuilder("\e[H");
        for (var i = 0; i < lines.Count; i++)
        {
            var color = !hasColors ? null : i == 0 ? "\e[1m" : i == 1 ? "\e[7m" : i == lines.Count - 1 ? "\e[2m" : Color(sorted[i - 2]);
            text.Append(color).Append(i == 1 && hasColors ? lines[i].PadRight(width) : lines[i]);
            text.Append(color is null ? "" : "\e[0m").Append("\e[K");
            if (i < lines.Count - 1) text.Append("\r\n");
        }
        return text.Append("\e[J").ToString();
    }

    /// <summary>The objects that need attention first, then by rate, then by how full they are.</summary>
    internal static IEnumerable<IpcSample> Sorted(IEnumerable<IpcSample> samples) => samples
        .OrderByDescending(static s => (s.Marks & Urgent) != 0)
        .ThenByDescending(static s => s.BytesPerSecond ?? s.MessagesPerSecond ?? 0)
        .ThenBy(static s => s.Marks.HasFlag(IpcSampleMarks.Stale))
        .ThenByDescending(static s => s.FillPercent ?? 0)
        .ThenBy(static s => s.AddressText, StringComparer.Ordinal);

    private static string? Color(IpcSample sample) =>
        (sample.Marks & (IpcSampleMarks.DeadHolder | IpcSampleMarks.StuckLock)) != 0 ? "\e[31m"
        : sample.Marks.HasFlag(IpcSampleMarks.Full) ? "\e[33m"
        : sample.Marks.HasFlag(IpcSampleMarks.Stale) ? "\e[2m" : null;

    private static string Totals(IReadOnlyList<IpcSample> samples, DateTime time)
    {
        var parts = new List<string> { time.ToString("HH:mm:ss", CultureInfo.InvariantCulture), $"{samples.Count} objects" };
        Count(IpcSampleMarks.Full, "full");
        Count(IpcSampleMarks.DeadHolder, "dead");
        Count(IpcSampleMarks.StuckLock, "stuck");
        Count(IpcSampleMarks.Stale, "stale");
        parts.Add($"{SampleText.Number(samples.Sum(static s => s.MessagesPerSecond ?? 0))} msg/s");
        parts.Add($"{ObjectText.Bytes(samples.Sum(static s => s.BytesPerSecond ?? 0))}/s");
        return string.Join("  ", parts);

        void Count(IpcSampleMarks mark, string word)
        {
            if (samples.Count(s => s.Marks.HasFlag(mark)) is > 0 and var count) parts.Add($"{count} {word}");
        }
    }

    // What a wide terminal has more is for addresses and holders alike. In a narrow one the holders are left out first.
    private static (int Address, int Note) Widths(int width)
    {
        var free = width - Fixed;
        if (free < ShortestAddress + ShortestNote) return (Math.Max(free, ShortestAddress), 0);
        var address = Math.Clamp(free * 3 / 5, ShortestAddress, free - ShortestNote);
        return (address, free - address);
    }

    private static string Row(string address, string bar, string depth, string messages, string bytes, string note, int addressWidth) =>
        $"{Fit(address, addressWidth)} {bar,-BarWidth} {depth,DepthWidth} {messages,RateWidth} {bytes,RateWidth} {note}";

    private static string Fit(string text, int width) =>
        text.Length <= width ? text.PadRight(width) : width < 1 ? "" : string.Concat(text.AsSpan(0, width - 1), "\u2026");

    // A name can have any character. It must not give orders to the terminal.
    private static string Clean(string text) =>
        text.Any(char.IsControl) ? new string([.. text.Select(static c => char.IsControl(c) ? '?' : c)]) : text;
}
