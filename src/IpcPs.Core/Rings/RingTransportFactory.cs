using IpcPs.Interop;

namespace IpcPs.Channels;

/// <summary>Links through message rings.</summary>
internal sealed class RingLinkKind : IpcLinkKind
{
    public override string Name => "Ring";

    public override IpcLink Create() => new RingLink();

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation) => Open(ticket, IpcAccess.Write);

    public override void CloseWriter(IpcChannel writer)
    {
        base.CloseWriter(writer);
        UnnamedLink.CleanUpFor(writer.Address);
    }

    public override IpcLinkReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation) =>
        new ChannelLinkReader(Open(ticket, IpcAccess.Read), cancellation);

    private static MessageRing Open(string ticket, IpcAccess access)
    {
        // Both ways, whatever it is for: reading moves what writers look at. Opened anew by each, as the locks that tell who is there belong to an open file.
        var descriptor = UnnamedLink.Open(ticket, Libc.O_RDWR, out var address);
        return MessageRing.OpenUnnamed(address, descriptor, access);
    }
}
