namespace IpcPs.Benchmarks.Framework;

/// <summary>What is done before the clock starts, so that both sides are compiled for good by then; a C program is that from the start.</summary>
internal static class WarmUp
{
    /// <summary>Messages one way.</summary>
    public const int Messages = 500_000;

    /// <summary>Round trips.</summary>
    public const int Trips = 100_000;
}
