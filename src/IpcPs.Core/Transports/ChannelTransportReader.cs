using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>The reading end of a link whose mechanism tells by itself when the last writer is gone: pipes and rings.</summary>
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
