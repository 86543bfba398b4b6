namespace IpcPs.Benchmarks.Framework;

/// <summary>The comparisons of a round trip: on one core and across two, each beside a C program that blocks at once, and beside the same
/// one when it spins as IpcPs does.</summary>
internal static class RoundTrips
{
    /// <summary>At most so much of the C program that spins.</summary>
    private const double BesideSpinning = 1.3;

    /// <summary>Never slower than the C program that blocks.</summary>
    private const double BesideBlocking = 1;

    /// <param name="name">What is measured.</param>
    /// <param name="ours">Measures it with the two sides on these cores.</param>
    /// <param name="program">The C program, whose last arguments are the two cores.</param>
    /// <param name="args">Its other arguments.</param>
    public static IEnumerable<Comparison> Of(
        string name, Func<(int Ours, int Peers), double?> ours, string program, params string[] args)
    {
        foreach (var (where, second) in new[] { ("one core", 0), ("across cores", 1) })
        {
            yield return new($"{name}, {where}", "us", BesideBlocking, true, new("IpcPs", () => ours((0, second))), C("blocking", []))
            {
                Others = [(C("spinning", ["spin"]), BesideSpinning)],
            };

            Contender C(string how, string[] last) => new($"C, {how}",
                () => CPrograms.RunOn(second == 0 ? "0" : null, program, [.. args, "0", $"{second}", .. last]));
        }
    }
}
