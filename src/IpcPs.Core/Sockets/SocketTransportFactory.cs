using System.Security.Cryptography;
using IpcPs.Interop;

namespace IpcPs.Channels;

/// <summary>Links through stream sockets: unix ones in the abstract namespace, or TCP over loopback.</summary>
internal sealed class SocketLinkKind(string name) : IpcLinkKind
{
    public override string Name => name;

    public override IpcLink Create() => new SocketLink(name == "Tcp"
        ? IpcAddress.Parse("tcp:127.0.0.1:0")
        : IpcAddress.Parse($"unix:@ipcps-link-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}"));

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation) => SocketLink.Connect(ticket, cancellation);

    public override IpcLinkReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        return new SocketLinkReader(new SafeDescriptor(descriptors[0]), ticket, cancellation);
    }
}
