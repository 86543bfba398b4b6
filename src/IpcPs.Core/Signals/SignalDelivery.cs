namespace IpcPs.Signals;

/// <summary>What became of a signal that was sent.</summary>
/// <param name="ProcessId">The process, or with a group the group's number.</param>
/// <param name="Name">The process's name; null of a group.</param>
/// <param name="Signal">The signal that was sent first.</param>
/// <param name="Value">The number that was sent along; null where none was.</param>
public sealed record SignalDelivery(int ProcessId, string? Name, Signal Signal, long? Value)
{
    /// <summary>Whether the process has ended; null where nobody waited for that.</summary>
    public bool? HasEnded { get; init; }

    /// <summary>After which signal it ended; null where it has not, or nobody waited.</summary>
    public Signal? EndedBy { get; init; }

    /// <summary>How long it took to end, from the first signal on; null where it has not, or nobody waited.</summary>
    public TimeSpan? Elapsed { get; init; }
}
