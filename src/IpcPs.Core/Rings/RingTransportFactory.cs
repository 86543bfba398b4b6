using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Rings;

/// <summary>Links through message rings.</summary>
internal sealed class RingTransportFactory : JobTransportFactory
{
    public override string Name => "Ring";

    public override JobTransport Create() => new RingTransport();

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation) => Open(ticket, IpcAccess.Write);

    public override void CloseWriter(IpcChannel writer)
    {
        base.CloseWriter(writer);
        UnnamedTransport.CleanUpFor(writer.Address);
    }

    public override JobTransportReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation) =>
        new ChannelTransportReader(Open(ticket, IpcAccess.Read), cancellation);

    private static MessageRing Open(string ticket, IpcAccess access)
    {
        // Both ways, whatever it is for: reading moves what writers look at. Opened anew by each, as the locks that tell who is there belong to an open file.
        var descriptor = UnnamedTransport.Open(ticket, Libc.O_RDWR, out var address);
        return MessageRing.OpenUnnamed(address, descriptor, access);
    }
}
