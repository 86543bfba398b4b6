using IpcPs.Interop;

namespace IpcPs.Channels;

/// <summary>Links through POSIX message queues.</summary>
internal sealed class QueueLinkKind : IpcLinkKind
{
    public override string Name => "Queue";

    public override IpcLink Create() => new QueueLink();

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation)
    {
        var descriptor = UnnamedLink.Open(ticket, Libc.O_WRONLY, out var address);
        return PosixQueue.OfUnnamed(address, descriptor, IpcAccess.Write);
    }

    public override void CloseWriter(IpcChannel writer)
    {
        base.CloseWriter(writer);
        UnnamedLink.CleanUpFor(writer.Address);
    }

    public override IpcLinkReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        var descriptor = UnnamedLink.Open(ticket, Libc.O_RDONLY, out var address);
        return new QueueLinkReader(PosixQueue.OfUnnamed(address, descriptor, IpcAccess.Read), cancellation);
    }
}
