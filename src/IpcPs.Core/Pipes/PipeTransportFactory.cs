using IpcPs.Messaging;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Pipes;

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
