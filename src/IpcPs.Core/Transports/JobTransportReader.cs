using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>The reading end of a <see cref="JobTransport"/>, in the process that reads.</summary>
public abstract class JobTransportReader : IDisposable
{
    /// <summary>Every message of a transport is received as an Object, because it is one.</summary>
    private protected static readonly ReceiveOptions Objects = new() { Format = IpcFormat.Object };

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
