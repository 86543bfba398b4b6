using IpcPs.Mechanisms;
using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>A one-way way for messages from any number of processes to one, made by a third that starts them: what connects the stages of a pipeline of
/// jobs. The messages go from process to process; who made the link only hands out its ends and lets go of them.</summary>
/// <remarks>The maker starts the reading process with <see cref="ReaderDescriptors"/> inherited, tells it <see cref="ReaderConnectionString"/>, then calls
/// <see cref="ReleaseReader"/>; tells each writing process <see cref="WriterConnectionString"/>; tells the reader when the last of them has ended
/// (<see cref="JobTransportReader.EndOfWriters"/>); and disposes the link when all have ended. Who notices that a process died is the maker, whatever the
/// mechanism does about it. A link has no name that would stay where all of them are killed.</remarks>
public abstract class JobTransport : IDisposable
{
    /// <summary>What a writing process opens its end by (<see cref="JobTransportFactory.OpenWriter"/>): a secret among the processes of the link.</summary>
    public abstract string WriterConnectionString { get; }

    /// <summary>What the reading process opens its end by (<see cref="JobTransportFactory.OpenReader"/>), besides <see cref="ReaderDescriptors"/>.</summary>
    public abstract string ReaderConnectionString { get; }

    /// <summary>The descriptors that the reading process inherits.</summary>
    public virtual IReadOnlyList<SafeDescriptor> ReaderDescriptors => [];

    /// <summary>Opens a writing end for this process: one of its own where the mechanism has connections, else one that is always the same.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.PeerClosed"/>: the reader is gone.</exception>
    public abstract IpcChannel OpenWriter();

    /// <summary>Says that no more comes by a writing end, and waits until what other writers send from then on can't overtake what came by this one.</summary>
    /// <param name="writer">What <see cref="OpenWriter"/> gave.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public virtual void Complete(IpcChannel writer, CancellationToken cancellation)
    {
    }

    /// <summary>Lets go of a writing end.</summary>
    /// <param name="writer">What <see cref="OpenWriter"/> gave.</param>
    public virtual void Close(IpcChannel writer)
    {
    }

    /// <summary>Lets go of the reading end, after the reading process was started.</summary>
    public virtual void ReleaseReader()
    {
    }

    /// <summary>Lets go of what kept the link open for writers that had not opened it yet: all have, and this process writes no more.</summary>
    public virtual void ReleaseWriters()
    {
    }

    /// <summary>Lets go of everything, and of messages that nobody received.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of everything.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>A way to carry messages from processes to a process that somebody else starts all: what <c>Start-IpcJob -Via</c> chooses from.
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
