using NATS.Client.Core;

namespace IpcPs.Nats;

/// <summary>Sending without a confirmation for each message.</summary>
internal static class TopicSending
{
    public static void Publish(NatsChannel channel, string subject, ReadOnlySpan<byte> payload, in SendOptions options, in WaitOptions wait)
    {
        try
        {
            var sending = channel.Server.Connection.PublishAsync(
                subject, payload.ToArray(), Headers.Of(options, id: null), serializer: NatsRawSerializer<byte[]>.Default);
            if (!sending.IsCompletedSuccessfully) Run(channel, _ => sending, wait);
        }
        catch (NatsPayloadTooLargeException e)
        {
            throw channel.TooLarge(payload.Length, e);
        }
    }

    /// <summary>Waits until the server has answered to a ping: it has everything that was sent before.</summary>
    public static void Flush(NatsChannel channel, in WaitOptions wait) =>
        Run(channel, async token => await channel.Server.Connection.PingAsync(token).ConfigureAwait(false), wait);

    private static void Run(NatsChannel channel, Func<CancellationToken, ValueTask> action, in WaitOptions wait)
    {
        var deadline = wait.Deadline.IsImmediate ? Deadline.After(TimeSpan.FromSeconds(5)) : wait.Deadline;
        try
        {
            Blocking.Wait(action, deadline, wait.Cancellation);
        }
        catch (Exception e) when (e is (NatsException and not NatsPayloadTooLargeException) or TimeoutException
            || (e is OperationCanceledException && !wait.Cancellation.IsCancellationRequested))
        {
            throw new IpcException(IpcErrors.NotConfirmed,
                $"The server {channel.Server.Shown} does not answer, and may not have what was sent on '{channel.Address}'.",
                channel.Address.Text, inner: e)
            { Advice = IpcAdvice.WaitForBroker };
        }
    }
}
