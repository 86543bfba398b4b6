using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Transports;

namespace IpcPs.Sockets;

/// <summary>Connects to sockets by <c>unix:</c>, <c>tcp:</c> and <c>udp:</c>, and removes their files.</summary>
internal sealed class SocketMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Unix, IpcScheme.Tcp, IpcScheme.Udp];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        IpcSocket.Connect(address, options.Wait, wait);

    internal override IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access) =>
        info.FileType == Libc.S_IFSOCK ? IpcSocket.Adopt(descriptor, known) : null;

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new SocketTransportFactory("Unix"),
        new SocketTransportFactory("SeqPacket"), new SocketTransportFactory("Tcp")];

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Path is null)
        {
            base.Remove(address);
            return;
        }
        var path = RuntimeFolder.PathOf(address);
        if (FileStatus.TryOf(path)?.Type is { } type && type != Libc.S_IFSOCK)
            throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a socket, so it was not removed.", address.Text);
        if (Libc.unlink(path) != 0) throw IpcException.FromErrno("unlink", Marshal.GetLastPInvokeError(), address.Text);
    }

    /// <summary>Waits for a socket's file. A port or an abstract name has no file to wait for. Only connecting shows whether a server
    /// listens; <see cref="OpenOptions.Wait"/> waits for that.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Path is not null) Inotify.WaitUntilExists(RuntimeFolder.PathOf(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() => SocketInventory.Servers(Schemes);

    public override IEnumerable<IpcAddress> Known(IReadOnlyCollection<IpcScheme> schemes, string prefix) =>
        SocketInventory.Servers(schemes);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => SocketInventory.List(scan);
}
