using IpcPs.Interop;

namespace IpcPs.Channels;

/// <summary>A link through a POSIX message queue (mq_overview(7)) without a name: it is unlinked as soon as it is made, and opened through /proc of this
/// process. A message is in it when the writer's call returns, so all of a writer that has ended is there. Objects that are larger than fs.mqueue.msgsize_default
/// travel in shared memory.</summary>
internal sealed class QueueLink : IpcLink
{
    private readonly PosixQueue _queue = PosixQueue.CreateUnnamed(UnnamedLink.NewAddress(IpcScheme.Mq));

    public QueueLink() => WriterTicket = UnnamedLink.Ticket((SafeDescriptor)_queue.HandleToPass!, _queue.Address);

    public override string WriterTicket { get; }

    public override string ReaderTicket => WriterTicket;

    public override IpcChannel OpenWriter() => _queue;

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _queue.Dispose();
        LargeMessage.RemoveAll(_queue.Address);
    }
}
