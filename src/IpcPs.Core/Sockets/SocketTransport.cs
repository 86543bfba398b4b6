using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Sockets.Native;
using IpcPs.Transports;

namespace IpcPs.Sockets;

/// <summary>A link through a stream socket: the reader inherits the one that listens, each writer connects, so that the kernel knows of each whether it is there. The first message of
/// a connection is the link's key, which only those know that were told: so a writer that has sent all and is gone before the reader looks is still known as one, which
/// the kernel does not say of TCP, and others are turned away.</summary>
internal sealed class SocketTransport : JobTransport
{
    private const int KeySize = 32;
    private const int Backlog = 1024;

    private readonly NativeSocket _listening;

    public SocketTransport(IpcAddress address)
    {
        _listening = NativeSocket.Create(address);
        try
        {
            var errno = _listening.TryBind(NativeSocketAddress.Of(address));
            if (errno != 0) throw IpcException.FromErrno("bind", errno, address.Text);
            if (Libc.listen(_listening.Descriptor, Backlog) != 0) throw IpcException.FromErrno("listen", Marshal.GetLastPInvokeError(), address.Text);
            if (!_listening.IsUnix) address = _listening.Name().ToAddress(IpcSocketType.Stream)!;
        }
        catch
        {
            _listening.Dispose();
            throw;
        }
        WriterConnectionString = $"{address.Text} {RandomNumberGenerator.GetHexString(KeySize * 2, lowercase: true)}";
    }

    public override string WriterConnectionString { get; }

    public override string ReaderConnectionString => WriterConnectionString;

    public override IReadOnlyList<SafeDescriptor> ReaderDescriptors => [_listening.Descriptor];

    public override IpcChannel OpenWriter() => Connect(WriterConnectionString, CancellationToken.None);

    // The reader closes a connection when it has taken everything that came by it.
    public override void Complete(IpcChannel writer, CancellationToken cancellation)
    {
        writer.CompleteSending();
        writer.Receive(new MessageBuffer(), default, new(Deadline.Infinite, cancellation));
    }

    public override void Close(IpcChannel writer) => writer.Dispose();

    /// <summary>Connects, and shows the key.</summary>
    public static IpcChannel Connect(string ticket, CancellationToken cancellation)
    {
        var (address, key) = Parse(ticket);
        // A backlog of a thousand is not full, but where it is the reader will get to it.
        var channel = IpcSocket.Connect(address, untilThere: false, new(Deadline.Infinite, cancellation));
        try
        {
            channel.Send(key, new SendOptions { Format = IpcFormat.Object }, new(Deadline.Infinite, cancellation));
            return channel;
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }

    /// <summary>What a ticket says.</summary>
    public static (IpcAddress Address, byte[] Key) Parse(string ticket) => ticket.Split(' ') is [var address, var key]
        ? (IpcAddress.Parse(address), Encoding.ASCII.GetBytes(key))
        : throw new IpcException(IpcErrors.InvalidData, "What was told of a link is no ticket.");

    // From here on the socket listens for as long as the reader lives.
    public override void ReleaseReader() => _listening.Dispose();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _listening.Dispose();
    }
}
