using IpcPs.Processes;

namespace IpcPs.Channels;

/// <summary>Links through anonymous pipes.</summary>
internal sealed class PipeLinkKind : IpcLinkKind
{
    public override string Name => "Pipe";

    public override IpcLink Create() => new PipeLink();

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation) => AnonymousPipeMechanism.OpenPipe(IpcAddress.Parse(ticket), IpcAccess.Write);

    public override IpcLinkReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        return new ChannelLinkReader(InheritedObjects.OpenPipe(descriptors[0], -1), cancellation);
    }
}
