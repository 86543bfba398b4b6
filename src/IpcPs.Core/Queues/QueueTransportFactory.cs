using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Queues;

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
