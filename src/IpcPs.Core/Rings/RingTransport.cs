using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Rings;

/// <summary>A link through a message ring without a name: its file is in shared memory and in no folder, and is opened through /proc of this process. A ring tells by itself when
/// its last writer has gone, and a full one when its reader has.</summary>
internal sealed class RingTransport : JobTransport
{
    private readonly MessageRing _ring = MessageRing.CreateUnnamed(UnnamedTransport.NewAddress(IpcScheme.Ring));
    private bool _completed;

    public RingTransport() => WriterConnectionString = _ring.Ticket;

    public override string WriterConnectionString { get; }

    public override string ReaderConnectionString => WriterConnectionString;

    public override IpcChannel OpenWriter() => _ring;

    // The file stays open here: the reader may still have to open it.
    public override void ReleaseWriters()
    {
        if (_completed) return;
        _completed = true;
        _ring.CompleteSending();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _ring.Dispose();
        LargeMessage.RemoveAll(_ring.Address);
    }
}

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
