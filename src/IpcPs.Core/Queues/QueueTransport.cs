using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Queues;

/// <summary>A link through a POSIX message queue (mq_overview(7)) without a name: it is unlinked as soon as it is made, and opened through /proc of this
/// process. A message is in it when the writer's call returns, so all of a writer that has ended is there. Objects that are larger than fs.mqueue.msgsize_default
/// travel in shared memory.</summary>
internal sealed class QueueTransport : JobTransport
{
    private readonly PosixQueue _queue = PosixQueue.CreateUnnamed(UnnamedTransport.NewAddress(IpcScheme.Mq));

    public QueueTransport() => WriterConnectionString = UnnamedTransport.Ticket((SafeDescriptor)_queue.HandleToPass!, _queue.Address);

    public override string WriterConnectionString { get; }

    public override string ReaderConnectionString => WriterConnectionString;

    public override IpcChannel OpenWriter() => _queue;

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _queue.Dispose();
        LargeMessage.RemoveAll(_queue.Address);
    }
}

/// <summary>Links through POSIX message queues.</summary>
internal sealed class QueueTransportFactory : JobTransportFactory
{
    public override string Name => "Queue";

    public override JobTransport Create() => new QueueTransport();

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation)
    {
        var descriptor = UnnamedTransport.Open(ticket, Libc.O_WRONLY, out var address);
        return PosixQueue.OfUnnamed(address, descriptor, IpcAccess.Write);
    }

    public override void CloseWriter(IpcChannel writer)
    {
        base.CloseWriter(writer);
        UnnamedTransport.CleanUpFor(writer.Address);
    }

    public override JobTransportReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        var descriptor = UnnamedTransport.Open(ticket, Libc.O_RDONLY, out var address);
        return new QueueTransportReader(PosixQueue.OfUnnamed(address, descriptor, IpcAccess.Read), cancellation);
    }
}

/// <summary>The reading end of a <see cref="QueueTransport"/>. A queue has no end of its own: told that all writers have ended, it takes what is there.</summary>
internal sealed class QueueTransportReader(PosixQueue queue, CancellationToken cancellation) : JobTransportReader
{
    private readonly CancellationTokenSource _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);

    public override bool Receive(MessageBuffer message)
    {
        try
        {
            return queue.Receive(message, Objects, Deadline.Infinite, _ended.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Told of the end while it waited, or before.
        }
        try
        {
            return queue.Receive(message, Objects, Deadline.Immediate, cancellation);
        }
        catch (IpcException e) when (e.Id == IpcErrors.Empty)
        {
            return false;
        }
    }

    public override void EndOfWriters(int opened) => _ended.Cancel();

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        queue.Dispose();
        UnnamedTransport.CleanUpFor(queue.Address);
    }
}
