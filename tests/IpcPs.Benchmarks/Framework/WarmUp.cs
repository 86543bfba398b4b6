namespace IpcPs.Benchmarks.Framework;

/// <summary>What is done before the clock starts, so that both sides are compiled for good by then; a C program is that from the
/// start.</summary>
internal static class WarmUp
{
    /// <summary>Messages one way.</summary>
    public const int Messages = 500_000;

    /// <summary>Round trips.</summary>
    public const int Trips = 100_000;

    private const int Wholes = 3;
    private const int MostRounds = 10;
    private const int FewestRounds = 4;

    // The runtime waits for 100 ms without anything new before it compiles what was often used, once for each of its tiers.
    private const int Rest = 200;

    /// <summary>Does it in parts, with rests in which the runtime of either side compiles what was used: while it is used without a break,
    /// it does not come to that for a second.</summary>
    /// <param name="count">How often.</param>
    /// <param name="some">Does it a given number of times, beginning with a given number.</param>
    public static void Do(int count, Action<int, int> some)
    {
        // A run that is scaled down is shorter in this, too: four rests are enough for the tiers of the runtime's compiler.
        var rounds = Math.Clamp((int)(MostRounds * Settings.CurrentScale), FewestRounds, MostRounds);
        for (var round = 0; round < rounds; round++)
        {
            var from = (int)((long)count * round / rounds);
            some(from, (int)((long)count * (round + 1) / rounds) - from);
            Thread.Sleep(Rest);
        }
    }

    /// <summary>Does it three times, with the same rests.</summary>
    public static void Do(Action whole)
    {
        for (var i = 0; i < Wholes; i++)
        {
            whole();
            Thread.Sleep(Rest);
        }
    }
}
