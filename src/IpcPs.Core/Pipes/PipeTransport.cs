using IpcPs.Messaging;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Pipes;

/// <summary>A transport through an anonymous pipe (pipe(7)). The reader inherits its end; writers open theirs through /proc of this
/// process. The kernel makes a writer wait for buffer space, reports the end of the last writer, and gives writers EPIPE when the reader
/// has ended.</summary>
internal sealed class PipeTransport : JobTransport
{
    private readonly AnonymousPipe _pipe = AnonymousPipe.Create();

    public override string WriterConnectionString => _pipe.Writer.Address.Text;

    public override string ReaderConnectionString => "";

    public override IReadOnlyList<SafeDescriptor> ReaderDescriptors => [_pipe.Reader.Reader!];

    public override JobTransportReader OpenOwnReader(CancellationToken cancellation) =>
        new ChannelTransportReader(_pipe.Reader, cancellation);

    public override IpcChannel OpenWriter() => _pipe.Writer;

    public override void ReleaseReader() => _pipe.Reader.Dispose();

    public override void ReleaseWriters() => _pipe.Writer.Dispose();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _pipe.Dispose();
    }
}

internal sealed class PipeTransportFactory : JobTransportFactory
{
    public override string Name => "Pipe";

    public override bool IsPrivate => true;

    public override JobTransport Create() => new PipeTransport();

    public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) =>
        AnonymousPipeMechanism.OpenPipe(IpcAddress.Parse(connectionString), IpcAccess.Write);

    public override JobTransportReader OpenReader(string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        return new ChannelTransportReader(InheritedObjects.OpenPipe(descriptors[0], -1), cancellation);
    }
}
