using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Queues;

/// <summary>A transport through a private System V message queue (sysvipc(7)), which other processes find by its id. The kernel keeps such
/// a queue until it is removed. So the reader removes it when it ends, which also ends its writers; the parent does; and when the parent
/// has been killed, each process that is left does. Objects that are larger than kernel.msgmax travel in shared memory.</summary>
internal sealed class SysVQueueTransport : JobTransport
{
    private readonly SysVQueue _queue = SysVQueue.Create();

    public SysVQueueTransport()
    {
        // The kernel records who sent and who received last. So until the reader does, the inventory finds that a living process uses the
        // queue, also when the writers have ended. When all have been killed, it finds that the queue is stale.
        _queue.Send([]);
        _queue.Receive(new MessageBuffer());
    }

    public override string WriterConnectionString => _queue.Address.Text;

    public override string ReaderConnectionString => WriterConnectionString;

    public override JobTransportReader OpenOwnReader(CancellationToken cancellation) =>
        SysVQueueTransportFactory.OpenReader(ReaderConnectionString, cancellation);

    public override IpcChannel OpenWriter() => _queue;

    /// <summary>Removes a transport's queue, if another process has not done that.</summary>
    public static void Remove(IpcAddress queue)
    {
        try
        {
            SysVQueue.Remove(queue);
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            // Another process was faster.
        }
        // Again, now that nothing can be sent any more: what a writer has sent in the last moment, or had created when it was killed.
        LargeMessage.RemoveAll(queue);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Remove(_queue.Address);
        _queue.Dispose();
    }
}

internal sealed class SysVQueueTransportFactory : JobTransportFactory
{
    public override string Name => "SysVQueue";

    public override JobTransport Create() => new SysVQueueTransport();

    public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) =>
        SysVQueue.OpenExisting(IpcAddress.Parse(connectionString), IpcAccess.Write);

    public override void OnParentEnded(string connectionString) => SysVQueueTransport.Remove(IpcAddress.Parse(connectionString));

    public override JobTransportReader OpenReader(
        string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation) =>
        OpenReader(connectionString, cancellation);

    public static JobTransportReader OpenReader(string connectionString, CancellationToken cancellation) =>
        new SysVQueueTransportReader(SysVQueue.OpenExisting(IpcAddress.Parse(connectionString), IpcAccess.Read), cancellation);
}

internal sealed class SysVQueueTransportReader(SysVQueue queue, CancellationToken cancellation)
    : DrainingTransportReader(queue, Objects, ownsChannel: true, cancellation)
{
    protected override void Dispose(bool disposing)
    {
        if (disposing) SysVQueueTransport.Remove(queue.Address);
        base.Dispose(disposing);
    }
}
