using IpcPs.Brokers;
using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>The reading end of a <see cref="JobTransport"/>, in the process that reads.</summary>
public abstract class JobTransportReader : IDisposable
{
    /// <summary>Every message of a transport is received as an Object, because it is one.</summary>
    internal static readonly ReceiveOptions Objects = new() { Format = IpcFormat.Object };

    /// <summary>Waits for the next message. For one thread at a time.</summary>
    /// <returns>False when all writers have ended and all of their messages were received. A message that a killed writer did not finish is
    /// dropped.</returns>
    /// <exception cref="OperationCanceledException">The token that the reader was opened with was cancelled.</exception>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>; <see cref="IpcErrors.Closed"/>.</exception>
    public abstract bool Receive(MessageBuffer message);

    /// <summary>Called, on any thread, when the parent reports that no process writes any more.</summary>
    /// <param name="opened">The number of writers that opened the transport. A mechanism that cannot see whether messages are still on
    /// their way waits for so many.</param>
    public virtual void EndOfWriters(int opened)
    {
    }

    /// <summary>Releases the transport. The mechanism or the parent notifies the writers.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the transport.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>The reading end for mechanisms that report the end of the last writer themselves: pipes and rings.</summary>
internal sealed class ChannelTransportReader(IpcChannel channel, CancellationToken cancellation) : JobTransportReader
{
    public override bool Receive(MessageBuffer message)
    {
        try
        {
            return channel.Receive(message, Objects, new(Deadline.Infinite, cancellation));
        }
        catch (IpcException e) when (e.Id == IpcErrors.TruncatedMessage)
        {
            // The last writer was killed in the middle of a message. The parent reports that: it knows which process it was.
            return false;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        channel.Dispose();
        UnnamedTransport.CleanUpFor(channel.Address);
    }
}

/// <summary>The reading end for mechanisms that do not report the end of their writers: queues. After <see cref="EndOfWriters"/> it
/// receives what is there, and then ends.</summary>
/// <param name="channel">What it receives from.</param>
/// <param name="options">The format of its messages.</param>
/// <param name="ownsChannel">Whether it closes the channel.</param>
/// <param name="cancellation">Ends its waits.</param>
internal class DrainingTransportReader(IpcChannel channel, ReceiveOptions options, bool ownsChannel, CancellationToken cancellation)
    : JobTransportReader
{
    private readonly CancellationTokenSource _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);

    public override bool Receive(MessageBuffer message)
    {
        // The caller is done with the one before.
        message.Acknowledge();
        try
        {
            if (!_ended.IsCancellationRequested) return channel.Receive(message, options, new(Deadline.Infinite, _ended.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // All writers have ended.
        }
        catch (IpcException e) when (IsEnd(e))
        {
            return false;
        }
        var poll = new PollWithBackoff();
        while (true)
        {
            try
            {
                return channel.Receive(message, options, new(Deadline.Immediate, cancellation));
            }
            catch (IpcException e) when (e.Id == IpcErrors.Empty || IsEnd(e))
            {
                return false;
            }
            catch (IpcException e) when (e.Id == IpcErrors.NoPeer && channel is IBrokerQueue)
            {
                // A broker that cannot be reached now may have more.
                Waiter.PollAny([], new(poll.Next(Deadline.Infinite), cancellation));
            }
        }
    }

    public override void EndOfWriters(int opened) => _ended.Cancel();

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        if (ownsChannel) channel.Dispose();
        // What was fetched and not received is for the channel's next receiver.
        else if (!channel.IsClosed) channel.ReturnAhead();
        UnnamedTransport.CleanUpFor(channel.Address);
    }

    // It was removed, or its last writer was killed in the middle of a message, which the parent reports.
    private static bool IsEnd(IpcException e) => e.Id == IpcErrors.Removed || e.Id == IpcErrors.TruncatedMessage;
}
