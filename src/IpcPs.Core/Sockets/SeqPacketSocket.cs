using IpcPs.Messaging;
using IpcPs.Readiness;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets;

/// <summary>One end of a Unix seqpacket connection (unix(7)): like a stream, but with message boundaries.</summary>
/// <remarks>A message has at most as many bytes as the sender's SO_SNDBUF, less 32. Everything else is as with <see cref="StreamSocket"/>.
/// Calls: send(2), sendmsg(2), recvmsg(2), recvmmsg(2), ppoll(2), shutdown(2), getsockopt(2).</remarks>
public sealed class SeqPacketSocket : MessageChannel, ISocketConnection
{
    // After so many packets that were there already, the next ones are received several at a time.
    private const int BeforeBatch = 4;

    private readonly NativeSocket _socket;
    private readonly PeerIdentity _peer;
    private AdaptiveWait _receiveWait = AdaptiveWait.InConversations;
    private int _maxPacket;
    private volatile bool _sendingEnded;
    private volatile bool _ended;
    private PacketBatch? _batch;
    private ReceiveStreak _ready;
    private AcceptedClient? _client;

    internal SeqPacketSocket(NativeSocket socket, PeerIdentity peer) : base(socket.Address, receivesOneByOne: true)
    {
        _socket = socket;
        _peer = peer;
        // An empty message has a sender, the end of the stream has none.
        socket.EnableCredentials();
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

    /// <summary>Bytes of the messages that wait in the kernel (SIOCINQ). A receiver that is slower than the sender takes up to eight out at
    /// once.</summary>
    public int PendingBytes => Open.PendingBytes;

    NativeSocket ISocketConnection.Socket => _socket;

    IpcChannel ISocketConnection.Channel => this;

    AcceptedClient? ISocketConnection.Client
    {
        get => _client;
        set => _client = value;
    }

    bool ISocketConnection.MayHaveMore => true;

    bool ISocketConnection.IsSending => false;

    bool ISocketConnection.WasClosedByClient { get; set; }

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
        if (TakeKept(message, options)) return ReceiveOutcome.Message;
        var attempt = new ReceiveAttempt(_socket, message, null);
        if (!attempt.TryOnce()) return ReceiveOutcome.Nothing;
        if (!Complete(ref attempt, message)) return ReceiveOutcome.Ended;
        Unwrap(message, options);
        return ReceiveOutcome.Message;
    }

    void ISocketConnection.Trim()
    {
    }

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        SocketErrors.RejectUnsupported(options, this);
        try
        {
            _socket.SendPacket(packet, options.Handles, wait, Closing);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        _client?.OnSent(options.IsReply ? 1 : 0);
    }

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        _client?.Detach();
        SocketErrors.RejectUnsupported(options, this);
        try
        {
            if (_ended) return false;
            var attempt = new ReceiveAttempt(_socket, message, BatchFor(options));
            if (!Waiter.Until(ref attempt, _socket.Descriptor, ref _receiveWait, wait, Closing))
                throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            CountReady(attempt.Tries);
            return Complete(ref attempt, message);
        }
        finally
        {
            if (IsClosed) ReturnBatch();
        }
    }

    internal override bool CanRequest => CanSend && CanReceive;

    internal override void ExpectAnswer(bool toMessage) => _client?.ExpectAnswer(toMessage);

    internal override void CompleteAnswer() => _client?.CompleteAnswer();

    /// <inheritdoc/>
    protected override IpcException WasClosed() =>
        ((ISocketConnection)this).WasClosedByClient ? SocketErrors.ClosedByClient(Address) : base.WasClosed();

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _socket.Descriptor;

    internal override ReadyState ReadyWithoutDescriptor() =>
        _batch is { IsEmpty: false } ? ReadyState.Message : _ended ? ReadyState.Ended : base.ReadyWithoutDescriptor();

    // An accepted connection has its listener's name, and the client that connected has none.
    private protected override bool SendsToServer => _socket.Name().IsUnnamed;

    private protected override IpcException TooLarge(long size) => SocketErrors.TooLarge(_socket, size);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _client?.Detach();
        _socket.Dispose();
        // If another thread is receiving, it returns the batch when it ends.
        if (!disposing || !ReceiveLock!.Enter(Deadline.Immediate)) return;
        ReturnBatch();
        ReceiveLock.Exit();
    }

    // A thread that finds a packet each time, and sends nothing, is slower than the sender.
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
        _batch?.Return(Address);
        _batch = null;
    }

    private bool Complete(ref ReceiveAttempt attempt, MessageBuffer message)
    {
        if (attempt.Received < 0)
        {
            _ended = true;
            ReturnBatch();
            return false;
        }
        attempt.Data.Describe(message);
        // A message that was sent before this side enabled credentials comes without them: its sender is the process that connected.
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
