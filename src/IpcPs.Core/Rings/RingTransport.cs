using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Rings;

/// <summary>A transport through a message ring without a name: its file is in shared memory but in no folder, and is opened through /proc
/// of this process. A ring reports the end of its last writer to the reader, and the end of the reader to a writer that waits for buffer
/// space.</summary>
internal sealed class RingTransport : JobTransport
{
    private readonly MessageRing _ring;
    private bool _completed;

    public RingTransport(RingDelivery delivery)
    {
        _ring = MessageRing.CreateUnnamed(UnnamedTransport.NewAddress(IpcScheme.Ring), delivery);
        WriterConnectionString = _ring.ConnectionString;
    }

    public override string WriterConnectionString { get; }

    public override string ReaderConnectionString => WriterConnectionString;

    public override JobTransportReader OpenOwnReader(CancellationToken cancellation) =>
        RingTransportFactory.OpenReader(ReaderConnectionString, cancellation);

    public override IpcChannel OpenWriter() => _ring;

    // The file stays open here, because the reader may not have opened it yet.
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

internal sealed class RingTransportFactory : JobTransportFactory
{
    public override string Name => "Ring";

    public override JobTransport Create() => new RingTransport(RingDelivery.Queue);

    public override JobTransport CreateBroadcast() => new RingTransport(RingDelivery.BroadcastHold);

    public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) =>
        Open(connectionString, IpcAccess.Write);

    public override void CloseWriter(IpcChannel writer)
    {
        base.CloseWriter(writer);
        UnnamedTransport.CleanUpFor(writer.Address);
    }

    public override JobTransportReader OpenReader(
        string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation) =>
        OpenReader(connectionString, cancellation);

    public static ChannelTransportReader OpenReader(string connectionString, CancellationToken cancellation) =>
        new(Open(connectionString, IpcAccess.Read), cancellation);

    private static MessageRing Open(string connectionString, IpcAccess access)
    {
        // O_RDWR also for a reader, which changes positions that writers look at. Each process opens the file itself: the locks that show
        // which participants are alive belong to an open file description.
        var descriptor = UnnamedTransport.Open(connectionString, Libc.O_RDWR, out var address);
        return MessageRing.OpenUnnamed(address, descriptor, access);
    }
}
