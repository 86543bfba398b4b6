using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Queues;

/// <summary>A transport through a POSIX message queue (mq_overview(7)) without a name: it is unlinked as soon as it is created, and opened
/// through /proc of this process. A send returns when the message is in the queue, so all messages of a writer that has ended are there.
/// Objects that are larger than fs.mqueue.msgsize_default travel in shared memory.</summary>
internal sealed class QueueTransport : JobTransport
{
    private readonly PosixQueue _queue = PosixQueue.CreateUnnamed(UnnamedTransport.NewAddress(IpcScheme.Mq));

    public QueueTransport() =>
        WriterConnectionString = UnnamedTransport.ConnectionString((SafeDescriptor)_queue.HandleToPass!, _queue.Address);

    public override string WriterConnectionString { get; }

    public override string ReaderConnectionString => WriterConnectionString;

    public override JobTransportReader OpenOwnReader(CancellationToken cancellation) =>
        QueueTransportFactory.OpenReader(ReaderConnectionString, cancellation);

    public override IpcChannel OpenWriter() => _queue;

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _queue.Dispose();
        LargeMessage.RemoveAll(_queue.Address);
    }
}

internal sealed class QueueTransportFactory : JobTransportFactory
{
    public override string Name => "Queue";

    public override JobTransport Create() => new QueueTransport();

    public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) =>
        Open(connectionString, Libc.O_WRONLY, IpcAccess.Write);

    public override void CloseWriter(IpcChannel writer)
    {
        base.CloseWriter(writer);
        UnnamedTransport.CleanUpFor(writer.Address);
    }

    public override JobTransportReader OpenReader(
        string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation) =>
        OpenReader(connectionString, cancellation);

    public static DrainingTransportReader OpenReader(string connectionString, CancellationToken cancellation) =>
        new(Open(connectionString, Libc.O_RDONLY, IpcAccess.Read), JobTransportReader.Objects, ownsChannel: true, cancellation);

    private static PosixQueue Open(string connectionString, int flags, IpcAccess access)
    {
        var descriptor = UnnamedTransport.Open(connectionString, flags, out var address);
        return PosixQueue.OfUnnamed(address, descriptor, access);
    }
}
