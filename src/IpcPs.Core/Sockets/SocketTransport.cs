using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;
using IpcPs.Transports;

namespace IpcPs.Sockets;

/// <summary>A transport through sockets: Unix stream or seqpacket sockets in the abstract namespace, or TCP over loopback. The reader
/// inherits the listening socket and each writer connects, so the kernel reports when a writer ends. The first message of a connection is
/// the transport's key. It tells writers from other clients, also a writer that has sent everything and ended before the reader accepts its
/// connection. The kernel does not report the user of such a TCP client.</summary>
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
            // Before a writer connects: on seqpacket sockets, an earlier message would have no sender.
            if (address.SocketType == IpcSocketType.SeqPacket) _listening.EnableCredentials();
            Listen(_listening);
            if (!_listening.IsUnix) address = _listening.Name().ToAddress(IpcSocketType.Stream)!;
        }
        catch
        {
            _listening.Dispose();
            throw;
        }
        WriterConnectionString = $"{address.Text} {NewKey()}";
    }

    public override string WriterConnectionString { get; }

    public override string ReaderConnectionString => WriterConnectionString;

    public override IReadOnlyList<SafeDescriptor> ReaderDescriptors => [_listening.Descriptor];

    public override JobTransportReader OpenOwnReader(CancellationToken cancellation) =>
        new SocketTransportReader(_listening.Descriptor, ReaderConnectionString, cancellation);

    public override IpcChannel OpenWriter() => Connect(WriterConnectionString, CancellationToken.None);

    public override void Complete(IpcChannel writer, CancellationToken cancellation) => WaitForReader(writer, cancellation);

    public override void Close(IpcChannel writer) => writer.Dispose();

    /// <summary>A key, which only the processes of one transport know.</summary>
    public static string NewKey() => RandomNumberGenerator.GetHexString(KeySize * 2, lowercase: true);

    /// <summary>Connects, and sends the key.</summary>
    public static IpcChannel Connect(string connectionString, CancellationToken cancellation)
    {
        var (address, key) = Parse(connectionString);
        // If the backlog of a thousand is full, the reader will accept soon.
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

    /// <summary>Listens at the address of a connection string.</summary>
    public static SafeDescriptor Listen(string connectionString)
    {
        var socket = NativeSocket.Create(Parse(connectionString).Address);
        try
        {
            Listen(socket);
            return socket.Descriptor;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The parts of a connection string.</summary>
    public static (IpcAddress Address, byte[] Key) Parse(string connectionString) => connectionString.Split(' ') is [var address, var key]
        ? (IpcAddress.Parse(address), Encoding.ASCII.GetBytes(key))
        : throw UnnamedTransport.Malformed("<address> <key>");

    // From now on the socket listens for as long as the reader lives.
    public override void ReleaseReader() => _listening.Dispose();

    /// <summary>Binds a socket to its address, and listens.</summary>
    public static void Listen(NativeSocket socket)
    {
        var errno = socket.TryBind(NativeSocketAddress.Of(socket.Address));
        if (errno != 0) throw IpcException.FromErrno("bind", errno, socket.Address.Text);
        if (Libc.listen(socket.Descriptor, Backlog) != 0)
            throw IpcException.FromErrno("listen", Marshal.GetLastPInvokeError(), socket.Address.Text);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _listening.Dispose();
        if (_listening.Type == IpcSocketType.SeqPacket) LargeMessage.RemoveAll(_listening.Address);
    }
}

/// <param name="name">Unix, SeqPacket or Tcp.</param>
internal sealed class SocketTransportFactory(string name) : JobTransportFactory
{
    public override string Name => name;

    public override JobTransport Create() => new SocketTransport(IpcAddress.Parse(name switch
    {
        "Tcp" => "tcp:127.0.0.1:0",
        "Unix" => $"unix:@{UnnamedTransport.NewName()}",
        _ => $"unix:@{UnnamedTransport.NewName()}?type=seqpacket",
    }));

    public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) =>
        SocketTransport.Connect(connectionString, cancellation);

    public override void CloseWriter(IpcChannel writer)
    {
        base.CloseWriter(writer);
        UnnamedTransport.CleanUpFor(writer.Address);
    }

    public override JobTransportReader OpenReader(string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        // A process on another host inherits nothing, and listens itself. Its folder is private.
        var listening = descriptors.Count > 0 ? new SafeDescriptor(descriptors[0]) : SocketTransport.Listen(connectionString);
        return new SocketTransportReader(listening, connectionString, cancellation);
    }
}

/// <summary>The reading end. It ends when as many connections as there were writers have sent the key and have ended. Until then data of a
/// writer that has died may be on its way: over TCP it may even be in the writer's kernel buffer.</summary>
internal sealed class SocketTransportReader : JobTransportReader
{
    // Only the kernel is needed to deliver the data of dead processes.
    private static readonly TimeSpan DeliveryTimeout = TimeSpan.FromSeconds(10);

    private readonly SocketListener _listener;
    private readonly byte[] _key;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _ended;
    private readonly HashSet<IpcChannel> _writers = [];
    private int _opened;

    /// <param name="listening">The listening socket; owned from now on.</param>
    /// <param name="connectionString">The reader's connection string.</param>
    /// <param name="cancellation">Ends waits.</param>
    public SocketTransportReader(SafeDescriptor listening, string connectionString, CancellationToken cancellation)
    {
        (var address, _key) = SocketTransport.Parse(connectionString);
        _cancellation = cancellation;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var family = address.Scheme == IpcScheme.Unix ? Libc.AF_UNIX : Libc.AF_INET;
        var socket = new NativeSocket(listening, family, address.SocketType, address);
        _listener = new SocketListener(socket, null, AllowedUsers.OwnOrUnknown(), 0);
    }

    public override bool Receive(MessageBuffer message)
    {
        while (true)
        {
            if (!TryReceive(message)) return false;
            if (message.Sender is not { } writer) continue;
            if (_writers.Contains(writer)) return true;
            if (CryptographicOperations.FixedTimeEquals(message.Span, _key)) _writers.Add(writer);
            else writer.Dispose();
        }
    }

    public override void EndOfWriters(int opened)
    {
        _opened = opened;
        _ended.Cancel();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _listener.Dispose();
        UnnamedTransport.CleanUpFor(_listener.Address);
    }

    private bool TryReceive(MessageBuffer message)
    {
        try
        {
            return _listener.Receive(message, Objects, new(Deadline.Infinite, _ended.Token));
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            // All writers have ended.
        }
        while (true)
        {
            try
            {
                return _listener.Receive(message, Objects, new(Deadline.Immediate, _cancellation));
            }
            catch (IpcException e) when (e.Id == IpcErrors.Empty)
            {
                if (_writers.Count >= _opened && _writers.All(static w => w.IsClosed)) return false;
            }
            var readiness = _listener.ReadinessDescriptor(new(Deadline.Infinite, _cancellation))!;
            if (!Waiter.Poll(readiness, PollEvents.In, new(Deadline.After(DeliveryTimeout), _cancellation))) throw Missing();
        }
    }

    private IpcException Missing()
    {
        var missing = _opened - _writers.Count(static w => w.IsClosed);
        return new IpcException(IpcErrors.PeerClosed,
            $"All {_opened} processes that wrote to '{_listener.Address}' have ended, but the data of {missing} of them is incomplete.",
            _listener.Address.Text);
    }
}
