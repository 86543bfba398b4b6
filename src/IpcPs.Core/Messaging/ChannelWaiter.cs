namespace IpcPs.Messaging;

/// <summary>Waits for the first message on any of several channels (poll(2) on their descriptors).</summary>
public static class ChannelWaiter
{
    /// <summary>Blocks until one of the channels may have a message, or has ended.</summary>
    /// <returns>False when the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotSupported"/>: one of them has no descriptor that can be polled.</exception>
    public static bool UntilAnyReadable(IReadOnlyList<IpcChannel> channels, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(channels);
        var held = new List<SafeDescriptor>(channels.Count);
        try
        {
            var polls = new Libc.PollFd[channels.Count];
            for (var i = 0; i < polls.Length; i++)
            {
                var descriptor = channels[i].ReadinessDescriptor(wait) ?? throw NoDescriptor(channels[i]);
                var added = false;
                descriptor.DangerousAddRef(ref added);
                held.Add(descriptor);
                polls[i] = new Libc.PollFd { Descriptor = descriptor.Number, Requested = PollEvents.In };
            }
            using var ending = CancellationTokenSource.CreateLinkedTokenSource([.. channels.Select(static c => c.Ending)]);
            try
            {
                return Waiter.PollAny(polls, wait, ending.Token) > 0;
            }
            catch (IpcException e) when (e.Id == IpcErrors.Closed)
            {
                // One of them has ended. Its own receive reports how.
                return true;
            }
        }
        finally
        {
            foreach (var descriptor in held) descriptor.DangerousRelease();
        }
    }

    private static IpcException NoDescriptor(IpcChannel channel) =>
        new(IpcErrors.NotSupported, $"'{channel.Address}' ({channel.Kind}) has no descriptor to poll together with other channels.",
            channel.Address.Text, "Receive from it in a job of its own.");
}
