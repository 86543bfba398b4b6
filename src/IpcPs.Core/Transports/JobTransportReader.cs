using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>The reading end of an <see cref="JobTransport"/>, in the process that reads.</summary>
public abstract class JobTransportReader : IDisposable
{
    /// <summary>How every message on a link is received: as an Object, which it is.</summary>
    private protected static readonly ReceiveOptions Objects = new() { Format = IpcFormat.Object };

    /// <summary>Waits for the next message. One thread at a time.</summary>
    /// <returns>False when all writers have ended, and what they sent was received. A message that one of them was killed in the middle of is not given.</returns>
    /// <exception cref="OperationCanceledException">Cancelled by what the reader was opened with.</exception>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>; <see cref="IpcErrors.Closed"/>.</exception>
    public abstract bool Receive(MessageBuffer message);

    /// <summary>Told by the link's maker, on any thread: no process writes, or will write, any more.</summary>
    /// <param name="opened">How many had opened the link, for mechanisms that can't tell from the outside what is still under way.</param>
    public virtual void EndOfWriters(int opened)
    {
    }

    /// <summary>Lets go of the link. Who still writes to it learns that from the mechanism, or from the link's maker.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of the link.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>The reading end of a link whose mechanism tells by itself when the last writer is gone: pipes and rings.</summary>
internal sealed class ChannelTransportReader(IpcChannel channel, CancellationToken cancellation) : JobTransportReader
{
    public override bool Receive(MessageBuffer message)
    {
        try
        {
            return channel.Receive(message, Objects, Deadline.Infinite, cancellation);
        }
        catch (IpcException e) when (e.Id == IpcErrors.TruncatedMessage)
        {
            // The last writer was killed in the middle of a message. That is the link's maker's to tell, who knows which process it was.
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
