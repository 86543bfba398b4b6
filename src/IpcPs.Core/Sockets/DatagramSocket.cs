using IpcPs.Messaging;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets;

/// <summary>A datagram socket that sends to one server: Unix (unix(7)) or UDP over loopback (udp(7)). It has an address of its own, so that
/// the server can reply.</summary>
/// <remarks>There is no connection: only a send that fails shows that the server has gone, and a receive never ends. A Unix sender waits
/// while the server's queue is full (net.unix.max_dgram_qlen messages), and no message is lost. UDP drops messages while the server's
/// buffer (SO_RCVBUF) is full; only the server can see how many. A UDP socket that has sent something stays open for one second after it
/// was closed. When a Unix server was restarted, the next send connects to the new one.
/// Calls: connect(2), sendmsg(2), recvmsg(2), ppoll(2).</remarks>
public sealed class DatagramSocket : MessageChannel
{
    private readonly NativeSocket _socket;
    private readonly NativeSocketAddress _server;
    private AdaptiveWait _receiveWait = AdaptiveWait.InConversations;
    private int _maxPacket;
    private bool _hasSent;

    internal DatagramSocket(NativeSocket socket, NativeSocketAddress server) : base(socket.Address, receivesOneByOne: true)
    {
        _socket = socket;
        _server = server;
        _maxPacket = socket.MaxPacket;
    }

    /// <inheritdoc/>
    public override string Kind => _socket.IsUnix ? "unix datagram socket" : "UDP socket";

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && _server.Length > 0;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed;

    /// <inheritdoc/>
    public override long MaxMessageSize => _maxPacket;

    /// <summary>The address that the server sends replies to.</summary>
    public IpcAddress? LocalAddress => Open.Name().ToAddress(IpcSocketType.Datagram);

    /// <inheritdoc cref="StreamSocket.SendBufferSize"/>
    public int SendBufferSize
    {
        get => Open.SendBufferSize;
        set
        {
            Open.SendBufferSize = value;
            _maxPacket = _socket.MaxPacket;
        }
    }

    /// <inheritdoc cref="StreamSocket.ReceiveBufferSize"/>
    public int ReceiveBufferSize
    {
        get => Open.ReceiveBufferSize;
        set => Open.ReceiveBufferSize = value;
    }

    /// <inheritdoc cref="Server.DatagramListener.PendingBytes"/>
    public int PendingBytes => Open.PendingBytes;

    /// <inheritdoc/>
    public override System.Runtime.InteropServices.SafeHandle? HandleToPass => _socket.Descriptor;

    private NativeSocket Open
    {
        get
        {
            ThrowIfClosed();
            return _socket;
        }
    }

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        SocketErrors.RejectUnsupported(options, this);
        try
        {
            try
            {
                _socket.SendPacket(packet, options.Handles, wait, Closing);
            }
            catch (IpcException e) when (e.Id == IpcErrors.PeerClosed && TryReconnect())
            {
                _socket.SendPacket(packet, options.Handles, wait, Closing);
            }
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        _hasSent = true;
    }

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        SocketErrors.RejectUnsupported(options, this);
        var attempt = new ReceiveAttempt(_socket, message);
        if (!Waiter.Until(ref attempt, _socket.Descriptor, ref _receiveWait, wait, Closing))
            throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        attempt.Data.Describe(message);
        return true;
    }

    internal override bool CanRequest => CanSend && CanReceive;

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _socket.Descriptor;

    private protected override bool SendsToServer => true;

    private protected override IpcException TooLarge(long size) => SocketErrors.TooLarge(_socket, size);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _hasSent && !_socket.IsUnix) DelayedClose.Close(_socket);
        else _socket.Dispose();
    }

    // A Unix datagram socket stays connected to the socket that had the name then; a new server may have the name now. A UDP socket is
    // connected to the port only, and the error is about an earlier datagram.
    private bool TryReconnect() => _socket.IsUnix && _socket.Connect(_server, Deadline.Immediate) == 0;

    private unsafe struct ReceiveAttempt(NativeSocket socket, MessageBuffer message) : IAttempt
    {
        public ControlData Data;

        public bool TryOnce() => socket.TryReceivePacket(message, out Data, null) >= 0;
    }
}

/// <summary>Closes UDP sockets one second late. A listener can find the user who sent a datagram only while the sender's socket exists, and
/// many programs close it right after they have sent. The end of the process closes them at once.</summary>
internal static class DelayedClose
{
    private const int MaxKept = 32;
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);

    private static readonly Queue<(NativeSocket Socket, long Until)> Kept = new();
    private static readonly Timer Closer = new(static _ => CloseDue());

    /// <summary>Closes the socket in a second, or sooner if more than 32 sockets wait for that.</summary>
    public static void Close(NativeSocket socket)
    {
        lock (Kept)
        {
            Kept.Enqueue((socket, Environment.TickCount64 + (long)Delay.TotalMilliseconds));
            if (Kept.Count > MaxKept) Kept.Dequeue().Socket.Dispose();
            if (Kept.Count == 1) Closer.Change(Delay, Timeout.InfiniteTimeSpan);
        }
    }

    private static void CloseDue()
    {
        lock (Kept)
        {
            var now = Environment.TickCount64;
            while (Kept.TryPeek(out var first) && first.Until <= now) Kept.Dequeue().Socket.Dispose();
            // Later than the next one is due, so that several are closed at once.
            if (Kept.Count > 0) Closer.Change(Delay / 2, Timeout.InfiniteTimeSpan);
        }
    }
}
