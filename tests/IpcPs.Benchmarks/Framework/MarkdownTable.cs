using System.Globalization;
using System.Text;

namespace IpcPs.Benchmarks.Framework;

/// <summary>The results as a table in Markdown, for docs/benchmarks.md.</summary>
internal static class MarkdownTable
{
    public static string Write(string machine, IEnumerable<ComparisonResult> results)
    {
        var text = new StringBuilder();
        text.Append(machine).Append("\n\n");
        text.Append("| what | IpcPs | peer | ratio | goal | | processor time a message: IpcPs | peer |\n");
        text.Append("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (var result in results)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {result.Comparison.Name} | {Figure(result.Ours, result.Comparison.Unit)} | ");
            text.Append(CultureInfo.InvariantCulture, $"{result.Peer.Name}: {Figure(result.Peer, result.Comparison.Unit)} | ");
            text.Append(CultureInfo.InvariantCulture, $"{result.Ratio:0.00} | {Goal(result)} | {(result.IsMissed ? "missed" : "")} | ");
            text.Append(CultureInfo.InvariantCulture, $"{result.Ours.Cost} | {result.Peer.Cost} |\n");
        }
        return text.ToString();
    }

    public static string Goal(ComparisonResult result) => result.Goal is not { } goal ? ""
        : string.Create(CultureInfo.InvariantCulture, $"at {(result.Comparison.LessIsBetter ? "most" : "least")} {goal:0.##}");

    private static string Figure(Figures figures, string unit) =>
        $"{Figures.Show(figures.Median)} {unit} ({figures.Spread})".Replace(" messages/s", "/s", StringComparison.Ordinal);
}
