using System.Globalization;
using IpcPs.Measurement;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Draws how far each comparison is above or below its goal.</summary>
internal static class GoalChart
{
    private const int Width = 1100;
    private const int Left = 500;
    private const int BarWidth = 300;
    private const int RowHeight = 17;
    private const int Top = 62;

    /// <summary>The chart: a bar for each comparison that has a goal, the worst of its peers.</summary>
    public static string Draw(IEnumerable<ComparisonResult> results)
    {
        var rows = results.Where(static r => r.Goal is not null).GroupBy(static r => r.Comparison.Name)
            .Select(static g => g.MinBy(static r => r.Margin)!).ToList();
        var height = Top + (rows.Count * RowHeight) + 28;
        var chart = new BarChart(Width, Left, BarWidth, 0.25, 16);
        var missed = rows.Count(static r => r.IsMissed);
        chart.Begin(height, "IpcPs beside its peers", $"{rows.Count} comparisons, {missed} of them below their goal. "
            + string.Join(' ', rows.Select(static r => $"{r.Comparison.Name}: {Text(r)}.")));
        chart.Text(12, 24, null, "How much better than its goal each comparison is (1 is the goal)");
        chart.Text(12, 42, "small", "Behind each bar: the figure of IpcPs divided by that of the peer. Orange is below the goal.");
        foreach (var line in new[] { 0.25, 0.5, 1, 2, 4, 8, 16 })
        {
            chart.Line(line, Top - 10, height - 24);
            chart.Text(chart.XOf(line) - 8, height - 8, "small", line.ToString("0.##", CultureInfo.InvariantCulture));
        }
        var y = Top;
        foreach (var row in rows)
        {
            chart.Text(12, y + 4, "small", row.Comparison.Name);
            chart.Bar(row.Margin!.Value, y, row.IsMissed ? "low" : "bar");
            chart.Text(Math.Min(chart.XOf(row.Margin.Value), Left + BarWidth) + 6, y + 4, "small", Text(row));
            y += RowHeight;
        }
        return chart.End();
    }

    private static string Text(ComparisonResult result) =>
        string.Create(CultureInfo.InvariantCulture, $"{result.Ratio:0.00} of {result.Peer.Name}");
}
