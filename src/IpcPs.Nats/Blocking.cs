namespace IpcPs.Nats;

/// <summary>Waits for the client's tasks: the library's calls are synchronous.</summary>
internal static class Blocking
{
    /// <summary>Waits for a call's result.</summary>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static T Wait<T>(Func<CancellationToken, ValueTask<T>> call, Deadline deadline, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var task = Task.Run(() => call(ending.Token).AsTask(), cancellation);
        try
        {
            return task.WaitAsync(deadline.Remaining, cancellation).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            ending.Cancel();
            throw;
        }
    }

    /// <summary>Waits for a call that has no result.</summary>
    /// <inheritdoc cref="Wait{T}"/>
    public static void Wait(Func<CancellationToken, ValueTask> call, Deadline deadline, CancellationToken cancellation) =>
        Wait(async token =>
        {
            await call(token).ConfigureAwait(false);
            return true;
        }, deadline, cancellation);

    /// <summary>Waits for something that the client does at once unless its buffers are full.</summary>
    public static void Wait(ValueTask task)
    {
        if (task.IsCompletedSuccessfully) return;
        task.AsTask().GetAwaiter().GetResult();
    }
}
