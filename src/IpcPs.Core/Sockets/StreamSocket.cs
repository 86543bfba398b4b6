using IpcPs.Messaging;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Sockets;

/// <summary>One end of a stream connection: a unix socket (unix(7)) or TCP over loopback (tcp(7)). Both sides send and receive.</summary>
/// <remarks>Bytes arrive in order and none is lost while both sides live. Closing, or <see cref="CompleteSending"/>, is the end that the other
/// side receives after everything sent before; what it sends then gets <see cref="IpcErrors.PeerClosed"/>. Bytes that were sent and not
/// received when the receiver dies are gone. A unix socket carries open descriptors (<see cref="SendOptions.Handles"/>) and says who the peer is.
/// Calls: sendmsg(2), recvmsg(2), ppoll(2), shutdown(2), getsockopt(2).</remarks>
public sealed class StreamSocket : StreamChannel, ISocketConnection
{
    // More than this many descriptors for messages that never become whole are nobody's honest doing.
    private const int MaxWaitingHandles = Libc.MaxPassedDescriptors;

    private readonly NativeSocket _socket;
    private readonly PeerIdentity _peer;
    private readonly Queue<ArrivedHandles> _arrived = new(0);
    private int _waitingHandles;
    private long _received;
    private int _enqueuedReplies;
    private volatile bool _sendingEnded;
    private ListenerRegistration? _link;

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

    /// <summary>The process that connected, or that listens; null where the kernel does not say.</summary>
    public int? PeerProcessId => _peer.ProcessId;

    /// <summary>The user id of the peer; null where the kernel does not say.</summary>
    public uint? PeerUserId => _peer.UserId;

    /// <summary>The group id of the peer; null where the kernel does not say.</summary>
    public uint? PeerGroupId => _peer.GroupId;

    /// <summary>The user name of the peer; null where the kernel does not say.</summary>
    public string? PeerUser => _peer.User;

    /// <summary>tcp: address and port of the other side.</summary>
    public IpcAddress? PeerAddress => _socket.IsUnix || IsClosed ? null : _socket.PeerName().ToAddress(IpcSocketType.Stream);

    /// <inheritdoc cref="SocketBuffers.GetSend"/>
    public int SendBufferSize
    {
        get => SocketBuffers.GetSend(Open);
        set => SocketBuffers.SetSend(Open, value);
    }

    /// <inheritdoc cref="SocketBuffers.GetReceive"/>
    public int ReceiveBufferSize
    {
        get => SocketBuffers.GetReceive(Open);
        set => SocketBuffers.SetReceive(Open, value);
    }

    /// <summary>Bytes that have arrived in the kernel and were not received.</summary>
    public int PendingBytes => SocketBuffers.GetPending(Open);

    /// <summary>Bytes that were sent and that the peer has not received yet.</summary>
    public int UnreceivedBytes => SocketBuffers.GetUnreceived(Open);

    NativeSocket ISocketConnection.Socket => _socket;

    IpcChannel ISocketConnection.Channel => this;

    ListenerRegistration? ISocketConnection.Link
    {
        get => _link;
        set => _link = value;
    }

    bool ISocketConnection.MayHaveMore => HasUnread;

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

    // Receiving from a connection that a listener handed out with a message takes it from the listener.
    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        _link?.Cut();
        return base.ReceiveCore(message, options, wait);
    }

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        base.Send(payload, options, wait);
        _link?.Sent(Interlocked.Exchange(ref _enqueuedReplies, 0) + (options.IsReply ? 1 : 0));
    }

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        base.Enqueue(payload, options, wait);
        if (options.IsReply) Interlocked.Increment(ref _enqueuedReplies);
    }

    /// <inheritdoc/>
    public override void Flush(in WaitOptions wait = default)
    {
        base.Flush(wait);
        _link?.Sent(Interlocked.Exchange(ref _enqueuedReplies, 0));
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
        if (options.Handles is not null) SocketBuffers.RequireHandles(_socket);
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
            next.GiveTo(message);
            _waitingHandles -= next.Count;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _link?.Cut();
        _socket.Dispose();
        foreach (var arrived in _arrived) arrived.Drop();
    }

    // The kernel ends a read behind the bytes that descriptors came with, so they belong to the message that has the last byte of this read.
    private void Keep(ControlData data)
    {
        var arrived = new ArrivedHandles(_received, data);
        if (_waitingHandles + arrived.Count > MaxWaitingHandles) arrived = arrived.Drop();
        _waitingHandles += arrived.Count;
        _arrived.Enqueue(arrived);
    }

    private readonly record struct ArrivedHandles(long Position, ControlData Data)
    {
        public int Count => Data.Handles?.Count ?? 0;

        public void GiveTo(MessageBuffer message)
        {
            if (Data.Handles is not null) message.Handles = message.Handles is null ? Data.Handles : [.. message.Handles, .. Data.Handles];
            message.LostHandles |= Data.LostHandles;
        }

        public ArrivedHandles Drop()
        {
            if (Data.Handles is not null) foreach (var handle in Data.Handles) handle.Dispose();
            return new ArrivedHandles(Position, new ControlData { LostHandles = true });
        }
    }
}
