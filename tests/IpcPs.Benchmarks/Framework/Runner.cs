using System.Globalization;
using System.Runtime.InteropServices;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Runs the comparisons: repetitions of all sides in turn, the medians and their spread, the ratio and whether it reaches its
/// goal.</summary>
internal static class Runner
{
    public static int Run(Settings settings)
    {
        var machine = $"{Processor()}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, "
            + $"{RuntimeInformation.FrameworkDescription}; {settings.Repetitions} repetitions in turn, medians (lowest to highest)";
        Console.WriteLine(machine);
        var results = new List<ComparisonResult>();
        foreach (var group in Discovery.All<IBenchmarkGroup>())
        {
            foreach (var comparison in group.Comparisons)
            {
                if (settings.Filter is { } filter && !comparison.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
                if (settings.ListOnly)
                {
                    Console.WriteLine(comparison.Name);
                    continue;
                }
                results.AddRange(Compare(comparison, settings.Repetitions));
                // After each one: a run that is broken off leaves what it has.
                if (settings.Markdown is { } table) File.WriteAllText(table, MarkdownTable.Write(machine, results));
                if (settings.Svg is { } picture) File.WriteAllText(picture, GoalChart.Draw(results));
            }
        }
        var missed = results.Where(static r => r.IsMissed).ToList();
        if (missed.Count > 0) Console.WriteLine($"{missed.Count} below their goal in this run:");
        foreach (var result in missed)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"    {result.Comparison.Name}: {result.Ratio:0.00} of {result.Peer.Name}, goal {MarkdownTable.Goal(result)}"));
        }
        return 0;
    }

    private static string Processor() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(static l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor";

    private static List<ComparisonResult> Compare(Comparison comparison, int repetitions)
    {
        (Contender Contender, double? Goal)[] peers = [(comparison.Peer, comparison.Goal), .. comparison.Others];
        var ours = new Figures(comparison.Ours.Name);
        var theirs = peers.Select(static p => new Figures(p.Contender.Name)).ToList();
        Console.WriteLine($"{comparison.Name} [{comparison.Unit}]");
        try
        {
            // The first of each is a warm-up: code is compiled, pages and caches are touched. A run that is scaled down leaves it at
            // what each load does before it measures.
            for (var i = Settings.CurrentScale < 1 ? 1 : 0; i <= repetitions; i++)
            {
                Measure(comparison.Ours, i > 0 ? ours : null);
                for (var peer = 0; peer < peers.Length; peer++) Measure(peers[peer].Contender, i > 0 ? theirs[peer] : null);
            }
        }
        catch (Exception e) when (e is InvalidOperationException or IpcException or IOException)
        {
            // The other comparisons need nothing from this one.
            Console.WriteLine($"    failed: {e.Message}");
            return [];
        }
        if (ours.IsEmpty)
        {
            Console.WriteLine("    not measured here: this machine lacks what it needs");
            return [];
        }
        Console.WriteLine($"    {Summary(ours)}");
        var results = new List<ComparisonResult>();
        for (var peer = 0; peer < peers.Length; peer++)
        {
            if (theirs[peer].IsEmpty) continue;
            var result = new ComparisonResult(comparison, ours, theirs[peer], peers[peer].Goal);
            Console.WriteLine($"    {Summary(theirs[peer])}");
            var wanted = result.Goal is null ? "" : $", goal {MarkdownTable.Goal(result)}{(result.IsMissed ? "  MISSED" : "")}";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"        ratio {result.Ratio:0.00}{wanted}"));
            results.Add(result);
        }
        return results;
    }

    private static void Measure(Contender contender, Figures? to)
    {
        MessageCost.Take();
        var value = contender.Measure();
        to?.Add(value, MessageCost.Take());
    }

    private static string Summary(Figures figures) => string.Create(CultureInfo.InvariantCulture,
        $"{figures.Name,-34} {Figures.Show(figures.Median),12}  ({figures.Spread})")
        + (figures.Cost is { } cost ? $"  processor {cost} a message" : "");
}
