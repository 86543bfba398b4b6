using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;
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
        writer.Receive(new MessageBuffer(), default, Deadline.Infinite, cancellation);
    }

    public override void Close(IpcChannel writer) => writer.Dispose();

    /// <summary>Connects, and shows the key.</summary>
    public static IpcChannel Connect(string ticket, CancellationToken cancellation)
    {
        var (address, key) = Parse(ticket);
        // A backlog of a thousand is not full, but where it is the reader will get to it.
        var channel = IpcSocket.Connect(address, untilThere: false, Deadline.Infinite, cancellation);
        try
        {
            channel.Send(key, new SendOptions { Format = IpcFormat.Object }, Deadline.Infinite, cancellation);
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

/// <summary>The reading end of a <see cref="SocketTransport"/>. It has ended when so many connections as there were writers have shown the key, and all of them have ended: what a
/// writer sent before it died may still be under way, over TCP even in its own kernel buffer.</summary>
internal sealed class SocketTransportReader : JobTransportReader
{
    // What dead processes have sent needs nobody but the kernel to come here.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SocketListener _listener;
    private readonly byte[] _key;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _told;
    private readonly HashSet<IpcChannel> _writers = [];
    private int _opened;

    /// <param name="listening">The inherited socket; owned from now on.</param>
    /// <param name="ticket">The link's ticket.</param>
    /// <param name="cancellation">Ends waits.</param>
    public SocketTransportReader(SafeDescriptor listening, string ticket, CancellationToken cancellation)
    {
        (var address, _key) = SocketTransport.Parse(ticket);
        _cancellation = cancellation;
        _told = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var family = address.Scheme == IpcScheme.Unix ? Libc.AF_UNIX : Libc.AF_INET;
        _listener = new SocketListener(new NativeSocket(listening, family, IpcSocketType.Stream, address), null, AllowedUsers.OwnOrUnknown(), 0);
    }

    public override bool Receive(MessageBuffer message)
    {
        while (true)
        {
            if (!TryReceive(message)) return false;
            if (message.ReplyChannel is not { } writer) continue;
            if (_writers.Contains(writer)) return true;
            if (CryptographicOperations.FixedTimeEquals(message.Span, _key)) _writers.Add(writer);
            else writer.Dispose();
        }
    }

    public override void EndOfWriters(int opened)
    {
        _opened = opened;
        _told.Cancel();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _listener.Dispose();
    }

    private bool TryReceive(MessageBuffer message)
    {
        try
        {
            return _listener.Receive(message, Objects, Deadline.Infinite, _told.Token);
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            // Told of the end while it waited, or before.
        }
        while (true)
        {
            try
            {
                return _listener.Receive(message, Objects, Deadline.Immediate, _cancellation);
            }
            catch (IpcException e) when (e.Id == IpcErrors.Empty)
            {
                if (_writers.Count >= _opened && _writers.All(static w => w.IsClosed)) return false;
            }
            if (!Waiter.Poll(_listener.ReadinessDescriptor(Deadline.Infinite, _cancellation)!, PollEvents.In, Deadline.After(Patience), _cancellation)) throw Missing();
        }
    }

    private IpcException Missing()
    {
        var ended = _writers.Count(static w => w.IsClosed);
        return new IpcException(IpcErrors.PeerClosed, $"All {_opened} processes that wrote to '{_listener.Address}' have ended, and what {_opened - ended} of them sent has not come to its end.", _listener.Address.Text);
    }
}
