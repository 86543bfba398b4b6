using IpcPs.Messaging;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets;

/// <summary>A datagram socket that talks to one server: unix (unix(7)) or UDP over loopback (udp(7)). It has a name of its own, so that the server can answer.</summary>
/// <remarks>There is no connection: nothing says that the server went away but a later send that fails, and a receive never ends. On unix a server
/// whose queue is full (net.unix.max_dgram_qlen messages) makes a sender wait and nothing is lost; UDP drops what the server's buffer
/// (SO_RCVBUF) has no room for, and nobody is told but the server. A UDP socket that has sent something is closed a second after it was asked to. A unix server that was started anew is found again by the next send.
/// Calls: connect(2), sendmsg(2), recvmsg(2), ppoll(2).</remarks>
public sealed class DatagramSocket : MessageChannel
{
    private readonly NativeSocket _socket;
    private readonly NativeSocketAddress _server;
    private AdaptiveWait _receiveSpin = AdaptiveWait.InConversations;
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

    /// <summary>The name that the server answers to.</summary>
    public IpcAddress? LocalAddress => Open.Name().ToAddress(IpcSocketType.Datagram);

    /// <inheritdoc cref="SocketBuffers.GetSend"/>
    public int SendBufferSize
    {
        get => SocketBuffers.GetSend(Open);
        set
        {
            SocketBuffers.SetSend(Open, value);
            _maxPacket = _socket.MaxPacket;
        }
    }

    /// <inheritdoc cref="SocketBuffers.GetReceive"/>
    public int ReceiveBufferSize
    {
        get => SocketBuffers.GetReceive(Open);
        set => SocketBuffers.SetReceive(Open, value);
    }

    /// <summary>Bytes of the next message.</summary>
    public int PendingBytes => SocketBuffers.GetPending(Open);

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
        PacketSend.RequirePlain(options, this);
        try
        {
            try
            {
                PacketSend.ToPeer(_socket, packet, options.Handles, wait, Closing);
            }
            catch (IpcException e) when (e.Id == IpcErrors.PeerClosed && ServesAgain())
            {
                PacketSend.ToPeer(_socket, packet, options.Handles, wait, Closing);
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
        PacketSend.RequirePlain(options, this);
        var attempt = new ReceiveAttempt(_socket, message);
        if (!Waiter.Until(ref attempt, _socket.Descriptor, ref _receiveSpin, wait, Closing))
            throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        attempt.Data.Describe(message);
        return true;
    }

    internal override bool CanRequest => CanSend && CanReceive;

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _socket.Descriptor;

    private protected override IpcException TooLarge(long size) => SocketErrors.TooLarge(_socket, size);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Whose a UDP datagram is the listener can find out only as long as there is the socket that sent it.
        if (disposing && _hasSent && !_socket.IsUnix) DelayedClose.Close(_socket);
        else _socket.Dispose();
    }

    // A datagram socket stays tied to the very socket that it was connected to; the name may have a new one by now. On UDP the name is all
    // there is, and the error was an earlier datagram's.
    private bool ServesAgain() => _socket.IsUnix && _socket.Connect(_server, Deadline.Immediate) == 0;

    private unsafe struct ReceiveAttempt(NativeSocket socket, MessageBuffer message) : IAttempt
    {
        public ControlData Data;

        public bool TryOnce() => socket.TryReceivePacket(message, out Data, null) >= 0;
    }
}
