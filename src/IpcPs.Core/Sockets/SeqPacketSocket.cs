using IpcPs.Messaging;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets;

/// <summary>One end of a unix seqpacket connection (unix(7)): like a stream, but each message arrives as it was sent, whole.</summary>
/// <remarks>A message has at most as many bytes as the sender's SO_SNDBUF, less 32. Everything else is as with <see cref="StreamSocket"/>.
/// Calls: send(2), sendmsg(2), recvmsg(2), recvmmsg(2), ppoll(2), shutdown(2), getsockopt(2).</remarks>
public sealed class SeqPacketSocket : MessageChannel, ISocketConnection
{
    // Packets found waiting, one after the other.
    private const int BeforeBatch = 4;

    private readonly NativeSocket _socket;
    private readonly PeerIdentity _peer;
    private AdaptiveWait _receiveSpin = AdaptiveWait.InConversations;
    private int _maxPacket;
    private volatile bool _sendingEnded;
    private volatile bool _ended;
    private PacketBatch? _batch;
    private ReceiveStreak _ready;
    private ListenerRegistration? _link;

    internal SeqPacketSocket(NativeSocket socket, PeerIdentity peer) : base(socket.Address, receivesOneByOne: true)
    {
        _socket = socket;
        _peer = peer;
        // What tells an empty message from the end: the first has a sender.
        socket.AskForSenders();
        _maxPacket = socket.MaxPacket;
    }

    /// <inheritdoc/>
    public override string Kind => "unix seqpacket socket";

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && !_sendingEnded;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed;

    /// <inheritdoc/>
    public override long MaxMessageSize => _maxPacket;

    /// <inheritdoc cref="StreamSocket.PeerProcessId"/>
    public int? PeerProcessId => _peer.ProcessId;

    /// <inheritdoc cref="StreamSocket.PeerUserId"/>
    public uint? PeerUserId => _peer.UserId;

    /// <inheritdoc cref="StreamSocket.PeerGroupId"/>
    public uint? PeerGroupId => _peer.GroupId;

    /// <inheritdoc cref="StreamSocket.PeerUser"/>
    public string? PeerUser => _peer.User;

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

    /// <summary>Bytes of the messages that wait in the kernel; a receiver that is behind takes up to eight of them out at once.</summary>
    public int PendingBytes => SocketBuffers.GetPending(Open);

    NativeSocket ISocketConnection.Socket => _socket;

    IpcChannel ISocketConnection.Channel => this;

    ListenerRegistration? ISocketConnection.Link
    {
        get => _link;
        set => _link = value;
    }

    bool ISocketConnection.MayHaveMore => true;

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
    public override void CompleteSending()
    {
        RequireSend();
        _sendingEnded = true;
        _socket.ShutdownSending();
    }

    ReceiveOutcome ISocketConnection.TryReceive(MessageBuffer message, in ReceiveOptions options) => TryReceive(message, options);

    private protected override ReceiveOutcome TryReceiveCore(MessageBuffer message, in ReceiveOptions options)
    {
        message.Clear();
        var attempt = new ReceiveAttempt(_socket, message, null);
        if (!attempt.TryOnce()) return ReceiveOutcome.Nothing;
        if (!Take(ref attempt, message)) return ReceiveOutcome.Ended;
        Unwrap(message, options);
        return ReceiveOutcome.Message;
    }

    void ISocketConnection.Trim()
    {
    }

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        PacketSend.RequirePlain(options, this);
        try
        {
            PacketSend.ToPeer(_socket, packet, options.Handles, wait, Closing);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        _link?.Sent(options.IsReply ? 1 : 0);
    }

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        _link?.Cut();
        PacketSend.RequirePlain(options, this);
        try
        {
            if (_ended) return false;
            var attempt = new ReceiveAttempt(_socket, message, BatchFor(options));
            if (!Waiter.Until(ref attempt, _socket.Descriptor, ref _receiveSpin, wait, Closing))
                throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            CountReady(attempt.Tries);
            return Take(ref attempt, message);
        }
        finally
        {
            if (IsClosed) ReturnBatch();
        }
    }

    internal override bool CanRequest => CanSend && CanReceive;

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _socket.Descriptor;

    private protected override IpcException TooLarge(long size) => SocketErrors.TooLarge(_socket, size);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _link?.Cut();
        _socket.Dispose();
        // Whoever is receiving does it when it is through.
        if (!disposing || !ReceiveLock!.Enter(Deadline.Immediate)) return;
        ReturnBatch();
        ReceiveLock.Exit();
    }

    // A receiver that keeps finding packets, and answers none, is behind its sender.
    private void CountReady(int tries)
    {
        if (tries == 1) _ready.Add();
        else _ready.Reset();
    }

    private PacketBatch? BatchFor(in ReceiveOptions options)
    {
        if (_batch is { IsEmpty: false }) return _batch;
        if (_ready.Length >= BeforeBatch && !options.Exact && PacketBatch.IsWorthwhile) return _batch ??= PacketBatch.Rent();
        ReturnBatch();
        return null;
    }

    private void ReturnBatch()
    {
        _batch?.Return();
        _batch = null;
    }

    private bool Take(ref ReceiveAttempt attempt, MessageBuffer message)
    {
        if (attempt.Received < 0)
        {
            _ended = true;
            ReturnBatch();
            return false;
        }
        attempt.Data.Describe(message);
        // Sent before this side asked for senders: then it is known who connected.
        if (message.SenderId is null)
        {
            message.SenderId = _peer.ProcessId;
            message.SenderUserId = _peer.UserId;
        }
        return true;
    }

    private unsafe struct ReceiveAttempt(NativeSocket socket, MessageBuffer message, PacketBatch? batch) : IAttempt
    {
        public ControlData Data;

        public int Received { get; private set; }

        public int Tries { get; private set; }

        public bool TryOnce()
        {
            Tries++;
            return (Received = batch is null ? socket.TryReceivePacket(message, out Data, null) : FromBatch(batch)) != -1;
        }

        private int FromBatch(PacketBatch batch)
        {
            if (batch.IsEmpty && batch.TryFill(socket) is < 0 and var nothing) return nothing;
            return batch.Take(socket, message, out Data);
        }
    }
}
