using System.Diagnostics;
using IpcPs.Messaging;

namespace IpcPs.Measurement;

/// <summary>The loads that every channel is measured under: messages one way, and round trips. The other process runs
/// <see cref="Count"/> or <see cref="Echo"/>.</summary>
public static class ChannelLoad
{
    /// <summary>Sends messages, without waiting for an answer.</summary>
    /// <param name="channel">Where to.</param>
    /// <param name="payload">The message.</param>
    /// <param name="count">How many times.</param>
    /// <param name="atOnce">Whether to use the many-at-once call.</param>
    /// <param name="options">How to send.</param>
    /// <param name="wait">How long to wait.</param>
    /// <exception cref="IpcException">What sending throws.</exception>
    public static void Pour(
        IpcChannel channel, ReadOnlyMemory<byte> payload, int count, bool atOnce, in SendOptions options, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(channel);
        if (atOnce) channel.SendMany(Enumerable.Repeat(payload, count), options, wait);
        else for (var i = 0; i < count; i++) channel.Send(payload.Span, options, wait);
    }

    /// <summary>Sends messages, and waits for each one's echo.</summary>
    /// <param name="send">Where to send.</param>
    /// <param name="receive">Where the echo comes.</param>
    /// <param name="payload">The message.</param>
    /// <param name="count">Round trips.</param>
    /// <param name="options">How to send.</param>
    /// <param name="wait">How long to wait.</param>
    /// <param name="ticks">Receives the time of each, in ticks of <see cref="Stopwatch"/>; empty if they are not wanted.</param>
    /// <exception cref="IpcException">What sending and receiving throw. <see cref="IpcErrors.InvalidData"/>: it is no echo.</exception>
    public static void RoundTrips(
        IpcChannel send, IpcChannel receive, ReadOnlyMemory<byte> payload, int count, in SendOptions options,
        in WaitOptions wait = default, Span<long> ticks = default)
    {
        ArgumentNullException.ThrowIfNull(send);
        ArgumentNullException.ThrowIfNull(receive);
        var message = new MessageBuffer();
        var last = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            send.Send(payload.Span, options, wait);
            if (!receive.Receive(message, default, wait) || message.Length != payload.Length)
                throw new IpcException(IpcErrors.InvalidData, "The echo is not what was sent.", send.Address.Text);
            if (ticks.IsEmpty) continue;
            var now = Stopwatch.GetTimestamp();
            ticks[i] = now - last;
            last = now;
        }
    }

    /// <summary>Sends back what is received.</summary>
    /// <param name="receive">Where it comes.</param>
    /// <param name="send">Where the echo goes; null for the sender of each datagram.</param>
    /// <param name="count">How many messages; fewer if the stream ends before.</param>
    /// <param name="wait">How long to wait.</param>
    /// <exception cref="IpcException">What receiving and sending throw.</exception>
    public static void Echo(IpcChannel receive, IpcChannel? send, int count, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(receive);
        var message = new MessageBuffer();
        for (; count > 0; count--)
        {
            if (!receive.Receive(message, default, wait)) return;
            // What came in an envelope goes back in one.
            (send ?? message.ReplyChannel!).Send(message.Payload.Span, new SendOptions { Framed = message.Format != IpcFormat.Auto }, wait);
        }
    }

    /// <summary>Receives messages.</summary>
    /// <exception cref="IpcException">What receiving throws. <see cref="IpcErrors.PeerClosed"/>: some are missing.</exception>
    public static void Count(IpcChannel channel, int count, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(channel);
        var message = new MessageBuffer();
        for (; count > 0; count--)
        {
            if (!channel.Receive(message, default, wait))
                throw new IpcException(IpcErrors.PeerClosed, $"The stream ended, and {count} messages are missing.", channel.Address.Text);
        }
    }
}
