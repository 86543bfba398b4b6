using System.Security.Cryptography;
using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Sockets;

/// <summary>Links through stream sockets: unix ones in the abstract namespace, or TCP over loopback.</summary>
internal sealed class SocketTransportFactory(string name) : JobTransportFactory
{
    public override string Name => name;

    public override JobTransport Create() => new SocketTransport(name == "Tcp"
        ? IpcAddress.Parse("tcp:127.0.0.1:0")
        : IpcAddress.Parse($"unix:@ipcps-link-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}"));

    public override IpcChannel OpenWriter(string ticket, CancellationToken cancellation) => SocketTransport.Connect(ticket, cancellation);

    public override JobTransportReader OpenReader(string ticket, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        return new SocketTransportReader(new SafeDescriptor(descriptors[0]), ticket, cancellation);
    }
}
