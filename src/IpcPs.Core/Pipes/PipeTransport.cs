using IpcPs.Messaging;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Pipes;

/// <summary>A transport through an anonymous pipe (pipe(7)), or through a FIFO that has lost its name (fifo(7)). The reader inherits its
/// end; writers open theirs through /proc of this process. The kernel makes a writer wait for buffer space, reports the end of the last
/// writer, and gives writers EPIPE when the reader has ended.</summary>
internal sealed class PipeTransport(AnonymousPipe pipe) : JobTransport
{
    public override string WriterConnectionString => pipe.Writer.Address.Text;

    public override string ReaderConnectionString => "";

    public override IReadOnlyList<SafeDescriptor> ReaderDescriptors => [pipe.Reader.Reader!];

    public override JobTransportReader OpenOwnReader(CancellationToken cancellation) =>
        new ChannelTransportReader(pipe.Reader, cancellation);

    public override IpcChannel OpenWriter() => pipe.Writer;

    public override void ReleaseReader() => pipe.Reader.Dispose();

    public override void ReleaseWriters() => pipe.Writer.Dispose();

    protected override void Dispose(bool disposing)
    {
        if (disposing) pipe.Dispose();
    }
}

/// <param name="name">Pipe or Fifo.</param>
internal sealed class PipeTransportFactory(string name) : JobTransportFactory
{
    public override string Name => name;

    // Other processes of the user could have opened a FIFO before it lost its name.
    public override bool IsPrivate => name == "Pipe";

    public override JobTransport Create() => new PipeTransport(IsPrivate ? AnonymousPipe.Create() : AnonymousPipe.CreateFromFifo());

    public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) =>
        AnonymousPipeMechanism.OpenPipe(IpcAddress.Parse(connectionString), IpcAccess.Write);

    public override JobTransportReader OpenReader(string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        return new ChannelTransportReader(InheritedObjects.OpenPipe(descriptors[0], -1), cancellation);
    }
}
