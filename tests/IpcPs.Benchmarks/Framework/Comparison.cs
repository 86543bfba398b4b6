namespace IpcPs.Benchmarks.Framework;

/// <summary>A figure of ours beside a peer's, measured in turn in the same run: speeds differ between machines and minutes, ratios much
/// less.</summary>
/// <param name="Name">What is measured.</param>
/// <param name="Unit">Of the figure: "messages/s", "MB/s", "us".</param>
/// <param name="Goal">What the ratio ours/theirs should reach (at least where more is better, at most where less is); null for
/// none.</param>
/// <param name="LessIsBetter">Whether the figure is a time.</param>
/// <param name="Ours">Ours.</param>
/// <param name="Peer">The other.</param>
internal sealed record Comparison(string Name, string Unit, double? Goal, bool LessIsBetter, Contender Ours, Contender Peer)
{
    /// <summary>Further peers of the same measurement, each with the goal beside it. Without a goal it shows why another one is missed: it
    /// meets the same wall.</summary>
    public IReadOnlyList<(Contender Peer, double? Goal)> Others { get; init; } = [];
}
