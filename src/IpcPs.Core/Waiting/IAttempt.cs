namespace IpcPs.Waiting;

/// <summary>One operation that either happens at once or would have to wait. A struct, so that <see cref="Waiter"/>
/// retries it without allocating and the just-in-time compiler inlines it.</summary>
internal interface IAttempt
{
    /// <summary>Tries once, without blocking.</summary>
    /// <returns>True when done (or failed for good: the attempt keeps the error); false when it would block.</returns>
    bool TryOnce();
}
