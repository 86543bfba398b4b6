using System.Globalization;
using System.Runtime.InteropServices;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Runs the comparisons: repetitions of both sides in turn, the medians and their spread, the ratio and whether it reaches its
/// goal.</summary>
internal static class Runner
{
    public static int Run(Settings settings)
    {
        var machine = $"{Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
        Console.WriteLine($"{machine}; {settings.Repetitions} repetitions in turn, medians (lowest .. highest)");
        var missed = 0;
        foreach (var group in Discovery.All<IBenchmarkGroup>())
        {
            foreach (var comparison in group.Comparisons)
            {
                if (settings.Filter is { } filter && !comparison.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
                if (settings.ListOnly) Console.WriteLine(comparison.Name);
                else if (!Compare(comparison, settings.Repetitions)) missed++;
            }
        }
        if (missed > 0) Console.WriteLine($"{missed} below their goal in this run.");
        return 0;
    }

    private static bool Compare(Comparison comparison, int repetitions)
    {
        var ours = new List<double>();
        var theirs = new List<double>();
        // The first of each is a warm-up: code is compiled, pages and caches are touched.
        for (var i = 0; i <= repetitions; i++)
        {
            var one = comparison.Ours.Measure();
            var other = comparison.Peer.Measure();
            if (i == 0) continue;
            if (one is { } a) ours.Add(a);
            if (other is { } b) theirs.Add(b);
        }
        Console.WriteLine($"{comparison.Name} [{comparison.Unit}]");
        if (ours.Count == 0)
        {
            Console.WriteLine("    not measured here: this machine lacks what it needs");
            return true;
        }
        Console.WriteLine($"    {Summary(comparison.Ours.Name, ours)}");
        if (theirs.Count == 0) return true;
        Console.WriteLine($"    {Summary(comparison.Peer.Name, theirs)}");
        var ratio = Median(ours) / Median(theirs);
        var reached = comparison.Goal is not { } goal || (comparison.LessIsBetter ? ratio <= goal : ratio >= goal);
        var wanted = comparison.Goal is { } g
            ? string.Create(
            CultureInfo.InvariantCulture,
            $", goal {(comparison.LessIsBetter ? "at most" : "at least")} {g:0.##}{(reached ? "" : "  MISSED")}") : "";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    ratio {ratio:0.00}{wanted}"));
        return reached;
    }

    private static double Median(List<double> figures)
    {
        figures.Sort();
        return figures.Count % 2 == 1 ? figures[figures.Count / 2] : (figures[(figures.Count / 2) - 1] + figures[figures.Count / 2]) / 2;
    }

    private static string Summary(string name, List<double> figures) =>
        string.Create(CultureInfo.InvariantCulture, $"{name,-34} {Show(Median(figures)),12}  ({Show(figures[0])} .. {Show(figures[^1])})");

    private static string Show(double figure) =>
        figure >= 1000 ? figure.ToString("#,0", CultureInfo.InvariantCulture) : figure.ToString("0.00", CultureInfo.InvariantCulture);
}
