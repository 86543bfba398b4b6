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
