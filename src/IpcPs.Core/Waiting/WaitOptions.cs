namespace IpcPs.Waiting;

/// <summary>How long an operation may wait, and what cancels it. The default value waits forever and is never cancelled.</summary>
/// <remarks>A <see cref="Waiting.Deadline"/> or a <see cref="CancellationToken"/> converts to it. It is created once, where an
/// operation begins, and passed down, so that retries never lengthen a wait.</remarks>
/// <param name="deadline">When the wait fails with <see cref="IpcErrors.Timeout"/>, or for <see cref="Deadline.Immediate"/>
/// with the error that says why the operation would have to wait (<see cref="IpcErrors.Full"/>, <see cref="IpcErrors.Empty"/>).</param>
/// <param name="cancellation">Cancels the wait: <see cref="OperationCanceledException"/>.</param>
public readonly struct WaitOptions(Deadline deadline, CancellationToken cancellation = default) : IEquatable<WaitOptions>
{
    private readonly Deadline _deadline = deadline;
    private readonly CancellationToken _cancellation = cancellation;

    /// <summary>When the wait fails.</summary>
    public Deadline Deadline => _deadline;

    /// <summary>Cancels the wait.</summary>
    public CancellationToken Cancellation => _cancellation;

    /// <summary>Waits until the deadline; cannot be cancelled.</summary>
    public static implicit operator WaitOptions(Deadline deadline) => new(deadline);

    /// <summary>Waits until the token is cancelled; has no deadline.</summary>
    public static implicit operator WaitOptions(CancellationToken cancellation) => new(default, cancellation);

    /// <summary>The conversion, for languages without conversion operators.</summary>
    public static WaitOptions FromDeadline(Deadline deadline) => deadline;

    /// <summary>The conversion, for languages without conversion operators.</summary>
    public static WaitOptions FromCancellationToken(CancellationToken cancellation) => cancellation;

    /// <inheritdoc/>
    public bool Equals(WaitOptions other) => _deadline == other._deadline && _cancellation == other._cancellation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is WaitOptions other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_deadline, _cancellation);

    /// <summary>Whether both have the same deadline and the same token.</summary>
    public static bool operator ==(in WaitOptions left, in WaitOptions right) => left.Equals(right);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(in WaitOptions left, in WaitOptions right) => !left.Equals(right);
}
