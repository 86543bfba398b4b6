using IpcPs.Mechanisms;
using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>A one-way, many-to-one transport between child processes, created by their parent: what connects the stages of a pipeline of
/// jobs. The messages go directly from process to process.</summary>
/// <remarks>What the parent does, in this order:
/// <list type="number">
/// <item>It starts the reading process, which inherits <see cref="ReaderDescriptors"/>, and sends it
/// <see cref="ReaderConnectionString"/>.</item>
/// <item>It calls <see cref="ReleaseReader"/>. (If it reads itself: <see cref="OpenOwnReader"/>, in place of both.)</item>
/// <item>It sends <see cref="WriterConnectionString"/> to each writing process.</item>
/// <item>When all writers have opened the transport, it calls <see cref="ReleaseWriters"/>.</item>
/// <item>When the last writer has ended, it notifies the reader (<see cref="JobTransportReader.EndOfWriters"/>).</item>
/// <item>When all processes have ended, it disposes the transport.</item>
/// </list>
/// The parent notices that a process died, whatever the mechanism reports. A transport has no name on the machine, so nothing stays behind
/// if all of its processes are killed. A System V queue has no such form: it stays if the parent and all writers and readers are killed
/// with KILL at once. Any one of them that is left removes it.</remarks>
public abstract class JobTransport : IDisposable
{
    /// <summary>The text with which a writing process opens its end (<see cref="JobTransportFactory.OpenWriter"/>). Keep it secret: it
    /// gives access.</summary>
    public abstract string WriterConnectionString { get; }

    /// <summary>The text with which the reading process opens its end (<see cref="JobTransportFactory.OpenReader"/>), together with
    /// <see cref="ReaderDescriptors"/>.</summary>
    public abstract string ReaderConnectionString { get; }

    /// <summary>The descriptors that the reading process inherits.</summary>
    public virtual IReadOnlyList<SafeDescriptor> ReaderDescriptors => [];

    /// <summary>Opens the reading end in this process, instead of passing <see cref="ReaderDescriptors"/> on and calling
    /// <see cref="ReleaseReader"/>. Call it once, and dispose the reader before the transport.</summary>
    /// <param name="cancellation">Ends the reader's waits.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no descriptors are left.</exception>
    public abstract JobTransportReader OpenOwnReader(CancellationToken cancellation);

    /// <summary>Opens a writing end for this process. Sockets open a new connection for each call; other mechanisms always return the same
    /// channel.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.PeerClosed"/>: the reader has ended.</exception>
    public abstract IpcChannel OpenWriter();

    /// <summary>Calls an action when writers can open the transport: at once, or, where a process on another host reads, on any thread when
    /// that process is ready. Also called when the transport is disposed before: then opening it fails.</summary>
    public virtual void WhenReady(Action then)
    {
        ArgumentNullException.ThrowIfNull(then);
        then();
    }

    /// <summary>Declares that a writing end sends no more. Returns when messages that other writers send from now on cannot overtake its
    /// messages.</summary>
    /// <param name="writer">A channel from <see cref="OpenWriter"/>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public virtual void Complete(IpcChannel writer, CancellationToken cancellation)
    {
    }

    /// <summary>Releases a writing end.</summary>
    /// <param name="writer">A channel from <see cref="OpenWriter"/>.</param>
    public virtual void Close(IpcChannel writer)
    {
    }

    /// <summary>Releases the reading end of this process. Call it after the reading process was started.</summary>
    public virtual void ReleaseReader()
    {
    }

    /// <summary>Releases what keeps the transport open for future writers. Call it when all writers have opened the transport and this
    /// process writes no more.</summary>
    public virtual void ReleaseWriters()
    {
    }

    /// <summary>Whether an error of a writing end means that the reader has ended: what SIGPIPE means to a program.</summary>
    public static bool IsReaderGone(IpcException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.Id == IpcErrors.PeerClosed || error.Id == IpcErrors.Removed;
    }

    /// <summary>Ends the sending of a writing end that is a socket, and waits until its reader has received everything: then the reader
    /// closes the connection.</summary>
    /// <param name="writer">The writing end.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: the reader has ended before.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void WaitForReader(IpcChannel writer, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.CompleteSending();
        writer.Receive(new MessageBuffer(), default, new(Deadline.Infinite, cancellation));
    }

    /// <summary>Releases the transport, and removes messages that were not received.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the transport.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>Creates and opens the transports of one kind. The caller chooses the kind by its name.
/// A mechanism has none, one, or several (sockets) of them: <see cref="IpcMechanism.Transports"/>.</summary>
public abstract class JobTransportFactory
{
    /// <summary>The name of the kind: Pipe, Fifo, Unix, SeqPacket, Tcp, Queue, SysVQueue or Ring; or the address of a channel that
    /// exists.</summary>
    public abstract string Name { get; }

    /// <summary>Whether only the job and the processes that write to it can read what is sent. Then secrets may be sent.</summary>
    public virtual bool IsPrivate => false;

    /// <summary>Creates a transport between processes that this process starts or has started.</summary>
    /// <exception cref="IpcException">The object cannot be created, for example <see cref="IpcErrors.LimitReached"/>,
    /// <see cref="IpcErrors.PlatformNotSupported"/>.</exception>
    public abstract JobTransport Create();

    /// <summary>Creates a transport that any number of processes read. Each of them gets every message that is sent after it has opened its
    /// end, and a writer waits for the slowest of them. Without readers, what is sent is dropped.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotSupported"/>: the kind has no such form;
    /// <see cref="IpcErrors.LimitReached"/>.</exception>
    public virtual JobTransport CreateBroadcast() =>
        throw new IpcException(IpcErrors.NotSupported, $"A transport of the kind {Name} has one reader.");

    /// <summary>Opens the writing end in a process that got <see cref="JobTransport.WriterConnectionString"/>.</summary>
    /// <param name="connectionString">The writer's connection string.</param>
    /// <param name="cancellation">Ends the wait for a busy reader.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.PeerClosed"/>:
    /// the reader or the transport is gone. <see cref="IpcErrors.InvalidData"/>: the connection string is malformed.</exception>
    public abstract IpcChannel OpenWriter(string connectionString, CancellationToken cancellation);

    /// <summary>Closes a writing end that <see cref="OpenWriter"/> opened.</summary>
    public virtual void CloseWriter(IpcChannel writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Dispose();
    }

    /// <summary>Called, on any thread, in a process whose parent has ended without disposing the transport. Removes what would stay on the
    /// machine. The messages in it are lost.</summary>
    /// <param name="connectionString">That of the reader or of a writer.</param>
    public virtual void OnParentEnded(string connectionString)
    {
    }

    /// <summary>Opens the reading end in the process that got <see cref="JobTransport.ReaderConnectionString"/>.</summary>
    /// <param name="connectionString">The reader's connection string.</param>
    /// <param name="descriptors">The numbers of the inherited <see cref="JobTransport.ReaderDescriptors"/>. The reader owns them from now
    /// on.</param>
    /// <param name="cancellation">Ends the reader's waits.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: the transport is gone. <see cref="IpcErrors.InvalidData"/>: the
    /// connection string is malformed.</exception>
    public abstract JobTransportReader OpenReader(string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation);
}
