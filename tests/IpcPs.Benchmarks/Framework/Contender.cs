namespace IpcPs.Benchmarks.Framework;

/// <summary>One side of a comparison.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Measure">Runs once and returns the figure, in the comparison's unit; null where this machine lacks what it needs.</param>
internal sealed record Contender(string Name, Func<double?> Measure);
