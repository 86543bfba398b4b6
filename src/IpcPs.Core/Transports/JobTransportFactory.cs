using IpcPs.Mechanisms;
using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>A way to carry messages from processes to a process that somebody else starts all.
/// A mechanism has one, several (sockets) or none: <see cref="IpcMechanism.Transports"/>.</summary>
public abstract class JobTransportFactory
{
    /// <summary>What it is called where one is chosen.</summary>
    public abstract string Name { get; }

    /// <summary>Makes a link between processes that this one starts, or has started.</summary>
    /// <exception cref="IpcException">What creating it gives: <see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.PlatformNotSupported"/>.</exception>
    public abstract JobTransport Create();

    /// <summary>Opens the writing end, in a process that was told <see cref="JobTransport.WriterConnectionString"/>.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="cancellation">Ends the wait for a reader that is busy.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.PeerClosed"/>: the reader,
    /// or the link, is gone.</exception>
    public abstract IpcChannel OpenWriter(string ticket, CancellationToken cancellation);

    /// <summary>Closes a writing end that <see cref="OpenWriter"/> opened.</summary>
    public virtual void CloseWriter(IpcChannel writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Dispose();
    }

    /// <summary>Opens the reading end, in the process that was told <see cref="JobTransport.ReaderConnectionString"/>.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="descriptors">The numbers under which it inherited <see cref="JobTransport.ReaderDescriptors"/>; they are the reader's from now on.</param>
    /// <param name="cancellation">Ends its waits.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: the link is gone.</exception>
    public abstract JobTransportReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation);
}
