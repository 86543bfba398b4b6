using IpcPs.Messaging;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Pipes;

/// <summary>A link through an anonymous pipe: the reader inherits its end, writers open theirs through /proc of this process. The kernel does the rest:
/// back-pressure, the end when the last writer is gone, EPIPE when the reader is.</summary>
internal sealed class PipeTransport : JobTransport
{
    private readonly AnonymousPipe _pipe = AnonymousPipe.Create();

    public override string WriterConnectionString => _pipe.Writer.Address.Text;

    public override string ReaderConnectionString => "";

    public override IReadOnlyList<SafeDescriptor> ReaderDescriptors => [_pipe.Reader.Reader!];

    public override IpcChannel OpenWriter() => _pipe.Writer;

    public override void ReleaseReader() => _pipe.Reader.Dispose();

    public override void ReleaseWriters() => _pipe.Writer.Dispose();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _pipe.Dispose();
    }
}

/// <summary>Links through anonymous pipes.</summary>
internal sealed class PipeTransportFactory : JobTransportFactory
{
    public override string Name => "Pipe";

    public override JobTransport Create() => new PipeTransport();

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation) => AnonymousPipeMechanism.OpenPipe(IpcAddress.Parse(ticket), IpcAccess.Write);

    public override JobTransportReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        return new ChannelTransportReader(InheritedObjects.OpenPipe(descriptors[0], -1), cancellation);
    }
}
