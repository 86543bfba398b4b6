namespace IpcPs.Readiness;

/// <summary>Waits for several objects of any mechanism at once, as select(2) does for descriptors. It takes nothing from them, and uses no
/// CPU while it waits.</summary>
/// <remarks>Calls: ppoll(2). Objects that have no descriptor are watched by a thread that is blocked in the kernel: see
/// <see cref="ReadyEvent"/>.</remarks>
public static class ReadinessWaiter
{
    /// <summary>Waits until one of the objects is ready.</summary>
    /// <param name="watches">The objects, at least one.</param>
    /// <param name="state">Why the object is ready.</param>
    /// <param name="wait">How long to wait, and what cancels the wait.</param>
    /// <returns>The index of the first object in the list that is ready; -1 when the deadline passed.</returns>
    /// <exception cref="IpcException">An object cannot be watched: <see cref="IpcErrors.NotSupported"/>,
    /// <see cref="IpcErrors.LimitReached"/>.</exception>
    public static int UntilAny(IReadOnlyList<ReadinessWatch> watches, out ReadyState state, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(watches);
        while (true)
        {
            for (var i = 0; i < watches.Count; i++)
            {
                state = watches[i].Check();
                if (state != ReadyState.None) return i;
            }
            state = ReadyState.None;
            if (wait.Deadline.HasPassed) return -1;
            Poll(watches, wait);
        }
    }

    /// <summary>Waits until all of the objects are ready at the same time.</summary>
    /// <param name="watches">The objects.</param>
    /// <param name="states">Set to the state of each, also when the deadline passed.</param>
    /// <param name="wait">How long to wait, and what cancels the wait.</param>
    /// <returns>False when the deadline passed.</returns>
    /// <inheritdoc cref="UntilAny" path="/exception"/>
    public static bool UntilAll(IReadOnlyList<ReadinessWatch> watches, Span<ReadyState> states, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(watches);
        var missing = new List<ReadinessWatch>(watches.Count);
        while (true)
        {
            // All again each time: what was ready may have been taken by another process while this one waited for the rest.
            missing.Clear();
            for (var i = 0; i < watches.Count; i++)
            {
                states[i] = watches[i].Check();
                if (states[i] == ReadyState.None) missing.Add(watches[i]);
            }
            if (missing.Count == 0) return true;
            if (wait.Deadline.HasPassed) return false;
            Poll(missing, wait);
        }
    }

    private static void Poll(IReadOnlyList<ReadinessWatch> watches, in WaitOptions wait)
    {
        using var polls = new PollSet();
        // The linked source takes no empty list.
        var endings = new List<CancellationToken> { CancellationToken.None };
        try
        {
            foreach (var watch in watches)
            {
                watch.AddTo(polls);
                if (watch.Ending.CanBeCanceled) endings.Add(watch.Ending);
            }
            using var ending = CancellationTokenSource.CreateLinkedTokenSource([.. endings]);
            _ = Waiter.PollAny(polls.Span, wait, ending.Token);
        }
        catch (ObjectDisposedException)
        {
            // One of them was closed. Its next check says so.
        }
        catch (IpcException e) when (e.Id == IpcErrors.Closed)
        {
            // One of them has ended. Its next check says so.
        }
    }
}
