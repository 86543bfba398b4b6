using IpcPs.Messaging;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets;

/// <summary>One end of a stream connection: a Unix socket (unix(7)) or TCP over loopback (tcp(7)). Both ends send and receive.</summary>
/// <remarks>Bytes arrive in order, and none is lost while both ends live. When one end is closed or has called
/// <see cref="CompleteSending"/>, the other receives everything sent before and then the end of the stream. Sending to a closed end fails
/// with <see cref="IpcErrors.PeerClosed"/>. Bytes that a receiver has not received when it dies are lost. A Unix socket carries open
/// descriptors (<see cref="SendOptions.Handles"/>) and knows the peer's process and user.
/// Calls: sendmsg(2), recvmsg(2), ppoll(2), shutdown(2), getsockopt(2).</remarks>
public sealed class StreamSocket : StreamChannel, ISocketConnection
{
    // No correct sender passes more descriptors than this for messages that are not complete yet.
    private const int MaxWaitingHandles = Libc.MaxPassedDescriptors;

    private readonly NativeSocket _socket;
    private readonly PeerIdentity _peer;
    private readonly Queue<ArrivedHandles> _arrived = new(0);
    private int _waitingHandles;
    private long _received;
    private int _enqueuedReplies;
    private volatile bool _hasEnqueued;
    private volatile bool _sendingEnded;
    private AcceptedClient? _client;
    private int _raw;

    internal StreamSocket(NativeSocket socket, PeerIdentity peer) : base(socket.Address, int.MaxValue)
    {
        _socket = socket;
        _peer = peer;
    }

    /// <inheritdoc/>
    public override string Kind => _socket.IsUnix ? "unix stream socket" : "TCP connection";

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && !_sendingEnded;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed;

    /// <summary>The process id of the peer (SO_PEERCRED); null if the kernel does not report it.</summary>
    public int? PeerProcessId => _peer.ProcessId;

    /// <summary>The user id of the peer; null if the kernel does not report it.</summary>
    public uint? PeerUserId => _peer.UserId;

    /// <summary>The group id of the peer; null if the kernel does not report it.</summary>
    public uint? PeerGroupId => _peer.GroupId;

    /// <summary>The user name of the peer; null if the kernel does not report the user.</summary>
    public string? PeerUser => _peer.User;

    /// <summary>TCP: address and port of the peer.</summary>
    public IpcAddress? PeerAddress => _socket.IsUnix || IsClosed ? null : _socket.PeerName().ToAddress(IpcSocketType.Stream);

    /// <summary>TCP: address and port of this end.</summary>
    public IpcAddress? LocalAddress => _socket.IsUnix || IsClosed ? null : _socket.Name().ToAddress(IpcSocketType.Stream);

    /// <summary>How many sent bytes the kernel keeps until the peer receives them (SO_SNDBUF); then a sender waits. The kernel counts its
    /// own overhead too, and doubles the value that is set.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: the value is larger than net.core.wmem_max.</exception>
    public int SendBufferSize
    {
        get => Open.SendBufferSize;
        set => Open.SendBufferSize = value;
    }

    /// <summary>How many bytes the kernel keeps until they are received (SO_RCVBUF). The kernel counts its own overhead too, and doubles
    /// the value that is set.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: the value is larger than net.core.rmem_max.</exception>
    public int ReceiveBufferSize
    {
        get => Open.ReceiveBufferSize;
        set => Open.ReceiveBufferSize = value;
    }

    /// <summary>Bytes that have arrived in the kernel and were not received yet (SIOCINQ).</summary>
    public int PendingBytes => Open.PendingBytes;

    /// <summary>Bytes that were sent and that the peer has not received yet (SIOCOUTQ).</summary>
    public int UnreceivedBytes => Open.UnreceivedBytes;

    NativeSocket ISocketConnection.Socket => _socket;

    IpcChannel ISocketConnection.Channel => this;

    AcceptedClient? ISocketConnection.Client
    {
        get => _client;
        set => _client = value;
    }

    bool ISocketConnection.MayHaveMore => HasUnread;

    bool ISocketConnection.IsSending => IsSending;

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

    internal override bool CanRequest => CanSend && CanReceive;

    internal override void ExpectAnswer(bool toMessage) => _client?.ExpectAnswer(toMessage);

    internal override void CompleteAnswer() => _client?.CompleteAnswer();

    /// <inheritdoc/>
    protected override IpcException WasClosed() =>
        ((ISocketConnection)this).WasClosedByClient ? SocketErrors.ClosedByClient(Address) : base.WasClosed();

    // When the program receives from a connection that it got from a listener's message, the listener stops receiving from it.
    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        _client?.Detach();
        return base.ReceiveCore(message, options, wait);
    }

    private protected override void OnReceiving() => _client?.Detach();

    /// <summary>Whether it carries descriptors.</summary>
    internal bool CarriesHandles => _socket.IsUnix;

    internal override IReadOnlyList<SafeDescriptor> TakeArrivedHandles()
    {
        if (_arrived.Count == 0) return [];
        var handles = _arrived.SelectMany(static a => a.Data.Handles ?? []).ToArray();
        _arrived.Clear();
        _waitingHandles = 0;
        return handles;
    }

    internal override void BeginRaw() => SetRaw(+1);

    internal override void EndRaw() => SetRaw(-1);

    // Two directions of a relay may use it at once.
    private void SetRaw(int change)
    {
        lock (_arrived)
        {
            _raw += change;
            if (_raw == (change > 0 ? 1 : 0) && !_socket.Descriptor.IsClosed) _socket.SetBlocking(_raw == 0);
        }
    }

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        base.Send(payload, options, wait);
        _client?.OnSent(Interlocked.Exchange(ref _enqueuedReplies, 0) + (options.IsReply ? 1 : 0));
    }

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        base.Enqueue(payload, options, wait);
        _hasEnqueued = true;
        if (options.IsReply) Interlocked.Increment(ref _enqueuedReplies);
    }

    /// <inheritdoc/>
    public override void Flush(in WaitOptions wait = default)
    {
        base.Flush(wait);
        if (!_hasEnqueued) return;
        _hasEnqueued = false;
        _client?.OnSent(Interlocked.Exchange(ref _enqueuedReplies, 0));
    }

    /// <inheritdoc/>
    public override void CompleteSending()
    {
        RequireSend();
        Flush();
        _sendingEnded = true;
        _socket.ShutdownSending();
    }

    ReceiveOutcome ISocketConnection.TryReceive(MessageBuffer message, in ReceiveOptions options) => TryReceive(message, options);

    void ISocketConnection.Trim() => Trim();

    internal override int TryRead(Span<byte> buffer)
    {
        var read = _socket.TryReceive(buffer, out var data);
        if (read > 0) _received += read;
        if (data.Handles is not null || data.LostHandles) Keep(data);
        return read;
    }

    internal override int TryWrite(ReadOnlySpan<byte> bytes, in SendOptions options)
    {
        if (options.Handles is not null) SocketErrors.RejectDescriptors(_socket);
        return _socket.TrySend(bytes, options.Handles);
    }

    internal override SafeDescriptor ReaderDescriptor(in WaitOptions wait) => _socket.Descriptor;

    internal override SafeDescriptor WriterDescriptor(in WaitOptions wait) => _socket.Descriptor;

    internal override void Describe(MessageBuffer message)
    {
        message.SenderId = _peer.ProcessId;
        message.SenderUserId = _peer.UserId;
        while (_arrived.TryPeek(out var next) && next.Position <= Position)
        {
            _arrived.Dequeue();
            next.MoveTo(message);
            _waitingHandles -= next.Count;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _client?.Detach();
        _socket.Dispose();
        foreach (var arrived in _arrived) arrived.Close();
    }

    // The kernel ends a read after the bytes that descriptors came with. So they belong to the message that has the last byte of this read.
    private void Keep(ControlData data)
    {
        var arrived = new ArrivedHandles(_received, data);
        if (_waitingHandles + arrived.Count > MaxWaitingHandles) arrived = arrived.Close();
        _waitingHandles += arrived.Count;
        _arrived.Enqueue(arrived);
    }

    private readonly record struct ArrivedHandles(long Position, ControlData Data)
    {
        public int Count => Data.Handles?.Count ?? 0;

        public void MoveTo(MessageBuffer message)
        {
            if (Data.Handles is not null) message.Handles = message.Handles is null ? Data.Handles : [.. message.Handles, .. Data.Handles];
            message.LostHandles |= Data.LostHandles;
        }

        public ArrivedHandles Close()
        {
            if (Data.Handles is not null) foreach (var handle in Data.Handles) handle.Dispose();
            return new ArrivedHandles(Position, new ControlData { LostHandles = true });
        }
    }
}
