using IpcPs.Messaging;
using IpcPs.Readiness;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>How a socket listens.</summary>
public readonly record struct SocketListenOptions
{
    /// <summary>How many connections the kernel queues until they are accepted; 0 for 1024. The limit is net.core.somaxconn.</summary>
    public int Backlog { get; init; }

    /// <summary>Users that are served besides the current user, by name or number; <c>*</c> for every user; null for no other
    /// user.</summary>
    public IReadOnlyList<string>? AllowUsers { get; init; }

    /// <summary>Permissions of a Unix socket's file. The umask does not change them. Null for 0600, or 0666 if other users are
    /// allowed.</summary>
    public UnixFileMode? Mode { get; init; }
}

/// <summary>A socket that clients connect to: Unix stream and seqpacket (unix(7)), TCP over loopback (tcp(7)). It is a channel: it receives
/// the messages of all its clients in the order in which they arrive, and <see cref="MessageBuffer.ReplyChannel"/> is the client's
/// connection. <see cref="Accept"/> returns single connections instead.</summary>
/// <remarks>Clients of other users are refused unless they were allowed. A client that is refused, dies, or sends something that is not a
/// message is closed and counted. The listener and its other clients go on. A client that has ended sending is kept while it
/// waits for an answer: to a request, to an <see cref="IpcMessage"/>, or to a message whose <see cref="MessageBuffer.ReplyChannel"/> was
/// read. After the answer, or when it closes, it is closed. If no descriptor is left for the next client, the one that ended first is
/// closed. Only closing the listener ends a receive.
/// Calls: accept4(2), epoll_wait(2), recvmsg(2), getsockopt(2); for TCP sock_diag(7).</remarks>
public sealed class SocketListener : IpcChannel
{
    private readonly NativeSocket _socket;
    private readonly SocketFile? _file;
    private readonly AllowedUsers _allowed;
    private readonly RejectedClientLog _rejected = new();
    private readonly IAcceptor _acceptor;
    private readonly ClientPoller _clients;
    private readonly EndedClients _ended;
    private MessageBuffer? _kept;
    private long _accepted;

    internal SocketListener(NativeSocket socket, SocketFile? file, AllowedUsers allowed, int backlog)
        : base(socket.Address, receivesOneByOne: true)
    {
        _socket = socket;
        _file = file;
        _allowed = allowed;
        Backlog = backlog;
        // Another process may share the socket and accept a connection between this thread's poll and its accept4, which must not block
        // then.
        socket.SetBlocking(false);
        var acceptor = new InlineAcceptor(socket, allowed, _rejected);
        var isInline = socket.IsUnix || allowed.Everybody || allowed.Unknown;
        _acceptor = isInline ? acceptor : new BackgroundAcceptor(acceptor, socket, backlog, Closing);
        _clients = new ClientPoller(_acceptor.Readiness, Address);
        _ended = new EndedClients(Close);
    }

    /// <inheritdoc/>
    public override string Kind => !_socket.IsUnix ? "TCP listener"
        : _socket.Type == IpcSocketType.Stream ? "unix stream listener" : "unix seqpacket listener";

    /// <inheritdoc/>
    public override bool CanSend => false;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed;

    /// <inheritdoc/>
    public override bool IsByteStream => _socket.Type == IpcSocketType.Stream;

    /// <summary>How many connections the kernel queues until they are accepted. The limit is net.core.somaxconn.</summary>
    public int Backlog { get; }

    /// <summary>The names of the users that are served; <c>*</c> for every user.</summary>
    public IReadOnlyList<string> AllowedUsers => _allowed.Names;

    /// <summary>How many connected clients this listener receives from.</summary>
    public int Clients => _clients.Count - _ended.Count;

    /// <summary>How many clients were accepted so far.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>How many clients were refused because their user is not allowed, or could not be found.</summary>
    public long Refused => _rejected.Refused;

    /// <summary>How many clients were disconnected because they sent something that is not a message.</summary>
    public long Failed => _rejected.Failed;

    /// <inheritdoc/>
    public override System.Runtime.InteropServices.SafeHandle? HandleToPass => _socket.Descriptor;

    /// <inheritdoc/>
    public override IReadOnlyList<string> TakeWarnings() => _rejected.Take();

    /// <inheritdoc/>
    public override bool TryReject(MessageBuffer message, IpcException reason)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Sender is not ISocketConnection connection) return false;
        // When the program itself closed the connection meanwhile, the client did nothing wrong.
        if (!connection.Channel.IsClosed) _rejected.AddFailed(connection.Socket.Peer(), reason);
        connection.Channel.Dispose();
        return true;
    }

    /// <summary>Waits for the next connection. The caller owns it, and closes it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Empty"/> (immediate deadline),
    /// <see cref="IpcErrors.Closed"/>, <see cref="IpcErrors.LimitReached"/>: this process may open no more descriptors.</exception>
    public IpcChannel Accept(in WaitOptions wait = default)
    {
        ThrowIfClosed();
        try
        {
            var attempt = new AcceptAttempt(_acceptor);
            var adaptive = default(AdaptiveWait);
            if (!Waiter.Until(ref attempt, _acceptor.Readiness, ref adaptive, wait, Closing))
                throw IpcException.TimedOut($"a connection to '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            Interlocked.Increment(ref _accepted);
            return attempt.Accepted!.Channel;
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        ThrowIfClosed();
        throw new IpcException(IpcErrors.NotSupported, $"'{Address}' is a listener: it has no peer to send to.", Address.Text,
            "Reply to a message, or connect as a client.")
        { Advice = IpcAdvice.ReplyOrConnect };
    }

    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        SocketErrors.RejectUnsupported(options, this);
        if (Interlocked.Exchange(ref _kept, null) is { } kept)
        {
            message.MoveFrom(kept);
            return true;
        }
        _clients.PollAcceptor(true);
        _ended.CloseAnswered();
        while (true)
        {
            // Before each client, so that clients that never stop sending do not keep others from connecting.
            if (_clients.TakeAcceptorReady()) AcceptAll();
            if (_clients.Next() is { } client)
            {
                if (TryReceive(client, message, options)) return true;
            }
            else if (!_clients.Wait(wait, Closing))
                throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        }
    }

    /// <inheritdoc/>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        RequireReceive();
        return new ListenerWatch(this);
    }

    /// <summary>Whether a client has sent a message, or waits to be accepted. Closes clients that have ended, as a receive does.</summary>
    internal ReadyState Ready()
    {
        // While another thread receives, it gets what comes.
        if (!ReceiveLock!.Enter(Deadline.Immediate)) return ReadyState.None;
        try
        {
            if (_kept is not null || ReadyWithoutDescriptor() != ReadyState.None) return ReadyState.Message;
            while (NextReady() is { } client)
            {
                if (HasArrived(client)) return ReadyState.Message;
                var message = new MessageBuffer();
                if (!TryReceive(client, message, default)) continue;
                // Only an empty packet has no byte that waits.
                _kept = message;
                return ReadyState.Message;
            }
            return Waiter.Poll(_acceptor.Readiness, PollEvents.In, Deadline.Immediate) ? ReadyState.Connection : ReadyState.None;
        }
        finally
        {
            ReceiveLock.Exit();
        }
    }

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _clients.Descriptor;

    /// <summary>Stops receiving from a client. Its connection stays open.</summary>
    internal void Detach(AcceptedClient client)
    {
        client.Connection.Client = null;
        _clients.Remove(client);
        if (client.HasEnded) _ended.Remove(client);
    }

    /// <summary>Called after something was sent to a client.</summary>
    internal void OnSent(AcceptedClient client, int replies)
    {
        client.Connection.Trim();
        if (replies > 0) Interlocked.Add(ref client.Unanswered, -replies);
        else client.OnAnswer();
        if (!client.HasEnded || !client.IsAnswered) return;
        if (replies > 0) Close(client);
        else _ended.AwaitQuiet();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Before the socket is closed: until then no other process takes the file over as a dead server's.
        _file?.Remove();
        foreach (var client in _clients.RemoveAll())
        {
            client.Connection.Client = null;
            client.Connection.Channel.Dispose();
        }
        _clients.Dispose();
        _ended.Dispose();
        _acceptor.Dispose();
        _socket.Dispose();
        // Large messages of clients that were never accepted.
        if (_socket.IsUnix && _socket.Type == IpcSocketType.SeqPacket) LargeMessage.RemoveAbandoned(Address);
    }

    private void AcceptAll()
    {
        try
        {
            while (TryAccept() is { } connection)
            {
                var client = new AcceptedClient(connection, this);
                connection.Client = client;
                _clients.Add(client);
                Interlocked.Increment(ref _accepted);
            }
        }
        catch (IpcException e) when (_clients.Count > 0)
        {
            // This process may open no more descriptors. Connected clients are served; the others wait in the backlog until one
            // disconnects.
            _rejected.Add(e.Message);
            _clients.PollAcceptor(false);
        }
    }

    private ISocketConnection? TryAccept()
    {
        while (true)
        {
            try
            {
                return _acceptor.TryAccept();
            }
            catch (IpcException e) when (e.Errno is Errno.EMFILE or Errno.ENFILE && _ended.CloseOldest())
            {
                _rejected.Add($"A client of '{Address}' that had ended sending was disconnected before it was answered: {e.Message}");
            }
        }
    }

    private AcceptedClient? NextReady() =>
        _clients.Next() ?? (_clients.Wait(Deadline.Immediate, CancellationToken.None) ? _clients.Next() : null);

    private static bool HasArrived(AcceptedClient client) =>
        !client.HasEnded && (client.Connection.Channel.ReadyWithoutDescriptor() == ReadyState.Message
            || client.Connection.Socket.PendingBytes > 0);

    private bool TryReceive(AcceptedClient client, MessageBuffer message, in ReceiveOptions options)
    {
        var connection = client.Connection;
        if (client.HasEnded)
        {
            // It has closed its connection, and reads no answer any more.
            connection.WasClosedByClient = true;
            Close(client);
            _clients.EndTurn();
            _clients.PollAcceptor(true);
            return false;
        }
        try
        {
            switch (connection.TryReceive(message, options))
            {
                case ReceiveOutcome.Message:
                    if (message.CorrelationId != 0 && !message.IsReply) Interlocked.Increment(ref client.Unanswered);
                    message.ReplyChannel = connection.Channel;
                    if (!connection.MayHaveMore)
                    {
                        connection.Trim();
                        _clients.EndTurn();
                    }
                    return true;
                case ReceiveOutcome.Ended:
                    End(client);
                    break;
                default:
                    connection.Trim();
                    break;
            }
        }
        // If this process ran out of descriptors, the client did nothing wrong, and has kept its message.
        catch (IpcException e) when (e.Errno is not (Errno.EMFILE or Errno.ENFILE))
        {
            message.ReplyChannel = connection.Channel;
            TryReject(message, e);
        }
        _clients.EndTurn();
        // If there were no free descriptors, there may be one now.
        if (client.Slot < 0) _clients.PollAcceptor(true);
        return false;
    }

    private void End(AcceptedClient client)
    {
        // An answer that another thread has just sent may have more messages.
        var mayGoOn = client.AnsweringThread != 0 && client.AnsweringThread != Environment.CurrentManagedThreadId;
        if (client.IsAnswered && !mayGoOn)
        {
            Close(client);
            return;
        }
        client.HasEnded = true;
        _ended.Add(client);
        _clients.WatchForClose(client);
        // TCP does not report that a client which had ended sending has closed. The kernel asks it from time to time.
        if (!_socket.IsUnix) client.Connection.Socket.KeepAlive();
    }

    private void Close(AcceptedClient client)
    {
        Detach(client);
        client.Connection.Channel.Dispose();
    }

    private struct AcceptAttempt(IAcceptor acceptor) : IAttempt
    {
        public ISocketConnection? Accepted { get; private set; }

        public bool TryOnce() => (Accepted = acceptor.TryAccept()) is not null;
    }
}
