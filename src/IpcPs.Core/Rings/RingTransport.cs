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
