namespace IpcPs.Rings.Algorithm;

/// <summary>How long an operation on a ring may wait, and what ends it.</summary>
internal readonly struct RingWait(Deadline deadline, CancellationToken cancellation)
{
    public readonly Deadline Deadline = deadline;
    public readonly CancellationToken Cancellation = cancellation;
}
