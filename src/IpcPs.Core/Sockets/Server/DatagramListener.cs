using IpcPs.Messaging;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>A datagram socket that receives from any number of senders: Unix (unix(7)) or UDP over loopback (udp(7)).</summary>
/// <remarks>It receives the messages of all senders in the order in which they arrive. Reply to one through its
/// <see cref="MessageBuffer.ReplyChannel"/>. The kernel reports the sender of a Unix datagram. The user who sent a UDP datagram is looked
/// up by its port as soon as the datagram arrives, unless every user is allowed. If the sender has closed its socket by then, its user
/// cannot be found, and the datagram is refused like one of another user. A refused datagram is dropped and counted; its sender gets no
/// error.
/// Calls: recvmsg(2), sendmsg(2), ppoll(2), sock_diag(7).</remarks>
public sealed class DatagramListener : MessageChannel
{
    private const int MaxKnownSenders = 1024;

    // The user in place of one that the kernel does not know or cannot express (/proc/sys/kernel/overflowuid).
    private const uint OverflowUser = 65534;

    // Only a socket that another program bound can have such a message.
    private const string SentTooEarly =
        " It was sent before this process asked the kernel for the sender of each message. If the socket is a service manager's, let that "
        + "ask: PassCredentials=yes in the [Socket] section of its unit.";

    private readonly NativeSocket _socket;
    private readonly NativeSocketAddress _name;
    private readonly SocketFile? _file;
    private readonly AllowedUsers _allowed;
    private readonly RejectedClientLog _rejected = new();
    private readonly Dictionary<NativeSocketAddress, DatagramReply> _senders = [];
    private readonly BackgroundDatagramReceiver? _background;
    private AdaptiveWait _receiveWait = AdaptiveWait.InConversations;
    private long _dropped;

    internal DatagramListener(NativeSocket socket, SocketFile? file, AllowedUsers allowed) : base(socket.Address, receivesOneByOne: true)
    {
        _socket = socket;
        _file = file;
        _allowed = allowed;
        _name = socket.Name();
        if (!socket.IsUnix && !allowed.Everybody) _background = new BackgroundDatagramReceiver(socket, AdmitUdp, Closing);
    }

    /// <inheritdoc/>
    public override string Kind => _socket.IsUnix ? "unix datagram listener" : "UDP listener";

    /// <inheritdoc/>
    public override bool CanSend => false;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed;

    /// <summary>The names of the users that are served; <c>*</c> for every user.</summary>
    public IReadOnlyList<string> AllowedUsers => _allowed.Names;

    /// <summary>How many messages were dropped because their sender's user is not allowed, or could not be found.</summary>
    public long Refused => _rejected.Refused;

    /// <summary>How many messages were dropped because they could not be decoded.</summary>
    public long Failed => _rejected.Failed;

    /// <summary>UDP: how many datagrams the kernel dropped because the receive buffer was full.</summary>
    public long Dropped => IsClosed ? _dropped : _dropped = _socket.CountDropped();

    /// <inheritdoc cref="StreamSocket.ReceiveBufferSize"/>
    public int ReceiveBufferSize
    {
        get => Open.ReceiveBufferSize;
        set => Open.ReceiveBufferSize = value;
    }

    /// <inheritdoc cref="StreamSocket.SendBufferSize"/>
    public int SendBufferSize
    {
        get => Open.SendBufferSize;
        set => Open.SendBufferSize = value;
    }

    /// <summary>Size of the next message in bytes (SIOCINQ).</summary>
    public int PendingBytes => Open.PendingBytes;

    internal NativeSocket Socket => _socket;

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

    /// <inheritdoc/>
    public override IReadOnlyList<string> TakeWarnings() => _rejected.Take();

    /// <inheritdoc/>
    public override bool TryReject(MessageBuffer message, IpcException reason)
    {
        _rejected.AddFailed($"A message of {new PeerIdentity(message.SenderId, message.SenderUserId, null)} was dropped", reason);
        return true;
    }

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        ThrowIfClosed();
        throw new IpcException(IpcErrors.NotSupported, $"'{Address}' is a listener: it only sends replies.", Address.Text,
            "Reply to a message. A sender that wants a reply must bind its socket to an address.")
        { Advice = IpcAdvice.ReplyOrConnect };
    }

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait) =>
        throw new InvalidOperationException("A listener does not send.");

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        SocketErrors.RejectUnsupported(options, this);
        if (_background is not null)
        {
            ReceiveInBackground(_background, message, wait);
            return true;
        }
        while (true)
        {
            var attempt = new ReceiveAttempt(_socket, message);
            if (!Waiter.Until(ref attempt, _socket.Descriptor, ref _receiveWait, wait, Closing))
                throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            if (Admit(attempt, message)) return true;
            message.Clear();
        }
    }

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _background?.Readiness ?? _socket.Descriptor;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _file?.Remove();
        _background?.Dispose();
        _socket.Dispose();
    }

    private bool Admit(in ReceiveAttempt attempt, MessageBuffer message)
    {
        attempt.Data.Describe(message);
        if (!_allowed.Contains(message.SenderUserId))
        {
            _rejected.AddRefused(new PeerIdentity(message.SenderId, message.SenderUserId, null), Address,
                _socket.IsUnix && message is { SenderId: null, SenderUserId: null or OverflowUser } ? SentTooEarly : "");
            return false;
        }
        message.ReplyChannel = ReplyTo(attempt.Sender);
        return true;
    }

    private void ReceiveInBackground(BackgroundDatagramReceiver background, MessageBuffer message, in WaitOptions wait)
    {
        var attempt = new BackgroundAttempt(background, message);
        if (!Waiter.Until(ref attempt, background.Readiness, ref _receiveWait, wait, Closing))
            throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        message.ReplyChannel = ReplyTo(attempt.Sender);
    }

    private uint? AdmitUdp(NativeSocketAddress sender)
    {
        var user = LoopbackPeerOwner.OfUdpSender(sender, _name, _allowed);
        if (_allowed.Contains(user)) return user;
        _rejected.AddRefused(new PeerIdentity(null, user, null), Address);
        return null;
    }

    private DatagramReply? ReplyTo(NativeSocketAddress sender)
    {
        if (sender.Length == 0 || sender.IsUnnamed) return null;
        if (_senders.TryGetValue(sender, out var known) && !known.IsClosed) return known;
        if (_senders.Count >= MaxKnownSenders) _senders.Clear();
        return _senders[sender] = new DatagramReply(this, sender);
    }

    private struct BackgroundAttempt(BackgroundDatagramReceiver background, MessageBuffer message) : IAttempt
    {
        public NativeSocketAddress Sender;

        public bool TryOnce() => background.TryReceive(message, out Sender);
    }

    private unsafe struct ReceiveAttempt(NativeSocket socket, MessageBuffer message) : IAttempt
    {
        public ControlData Data;
        public NativeSocketAddress Sender;

        public bool TryOnce()
        {
            fixed (NativeSocketAddress* sender = &Sender) return socket.TryReceivePacket(message, out Data, sender) >= 0;
        }
    }
}

/// <summary>The channel to one sender of a <see cref="DatagramListener"/>: it sends to that sender from the listener's address.</summary>
public sealed class DatagramReply : MessageChannel
{
    private readonly DatagramListener _listener;
    private readonly NativeSocketAddress _sender;

    internal DatagramReply(DatagramListener listener, NativeSocketAddress sender)
        : base(sender.ToAddress(IpcSocketType.Datagram) ?? listener.Address, receivesOneByOne: false)
    {
        _listener = listener;
        _sender = sender;
    }

    /// <inheritdoc/>
    public override string Kind => "sender of datagrams";

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && !_listener.IsClosed;

    /// <inheritdoc/>
    public override bool CanReceive => false;

    /// <inheritdoc/>
    public override long MaxMessageSize => _listener.Socket.MaxPacket;

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        SocketErrors.RejectUnsupported(options, this);
        var socket = _listener.Socket;
        if (options.Handles is not null) SocketErrors.RejectDescriptors(socket);
        try
        {
            if (socket.TrySendTo(_sender, packet, options.Handles) >= 0) return;
            if (wait.Deadline.IsImmediate || !socket.SendTo(_sender, packet, options.Handles, wait, _listener.Closing))
                throw IpcException.TimedOut($"buffer space at '{Address}'", Address.Text, wait.Deadline, IpcErrors.Full);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait) =>
        throw new InvalidOperationException("Answers are received by the listener.");

    private protected override IpcException TooLarge(long size) => SocketErrors.TooLarge(_listener.Socket, size);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The socket belongs to the listener.
    }
}
