namespace IpcPs.Module.Commands.Rings;

/// <summary>What happens when a broadcast is full because a reader is slow.</summary>
public enum RingOverflow
{
    /// <summary>The slow reader holds the writers back.</summary>
    Hold,
    /// <summary>The slow reader loses the oldest messages and is told how many.</summary>
    DropOldest,
}
