namespace IpcPs.Benchmarks.Framework;

/// <summary>What a comparison gave beside one of its peers.</summary>
/// <param name="Comparison">What was measured.</param>
/// <param name="Ours">Our figures.</param>
/// <param name="Peer">The peer's.</param>
/// <param name="Goal">What the ratio should reach beside this peer; null for none.</param>
internal sealed record ComparisonResult(Comparison Comparison, Figures Ours, Figures Peer, double? Goal)
{
    public double Ratio => Ours.Median / Peer.Median;

    /// <summary>How much better than its goal; 1 is the goal, less is missed.</summary>
    public double? Margin => Goal is not { } goal ? null : Comparison.LessIsBetter ? goal / Ratio : Ratio / goal;

    public bool IsMissed => Margin < 1;
}
