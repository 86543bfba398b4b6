namespace IpcPs.Waiting;

/// <summary>How long an operation may wait, and what cancels it. The default value waits forever and is never cancelled.</summary>
/// <remarks>A <see cref="Waiting.Deadline"/> or a <see cref="CancellationToken"/> converts to it. It is created once, where an
/// operation begins, and passed down, so that retries never lengthen a wait.</remarks>
/// <param name="Deadline">When the wait fails with <see cref="IpcErrors.Timeout"/>, or for <see cref="Deadline.Immediate"/>
/// with the error that says why the operation would have to wait (<see cref="IpcErrors.Full"/>, <see cref="IpcErrors.Empty"/>).</param>
/// <param name="Cancellation">Cancels the wait: <see cref="OperationCanceledException"/>.</param>
public readonly record struct WaitOptions(Deadline Deadline, CancellationToken Cancellation = default)
{
    /// <summary>Waits until the deadline; cannot be cancelled.</summary>
    public static implicit operator WaitOptions(Deadline deadline) => new(deadline);

    /// <summary>Waits until the token is cancelled; has no deadline.</summary>
    public static implicit operator WaitOptions(CancellationToken cancellation) => new(default, cancellation);

    /// <summary>The conversion, for languages without conversion operators.</summary>
    public static WaitOptions FromDeadline(Deadline deadline) => deadline;

    /// <summary>The conversion, for languages without conversion operators.</summary>
    public static WaitOptions FromCancellationToken(CancellationToken cancellation) => cancellation;
}
