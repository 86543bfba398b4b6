using IpcPs.Messaging;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>A socket that clients connect to: unix stream and seqpacket (unix(7)), TCP over loopback (tcp(7)). It is a channel: receiving takes the messages of all
/// clients as they come, <see cref="MessageBuffer.ReplyChannel"/> is the client's connection. <see cref="Accept"/> hands out connections one by one instead.</summary>
/// <remarks>Clients of other users are refused unless they were allowed. A client that is refused, dies or sends nonsense is closed and counted; the listener and its
/// other clients go on. A client that has ended sending is closed when the next receive finds that, so answer a message before you receive the next
/// one; one that waits for the reply to a request is kept until that was sent. A receive never ends but by closing the listener.
/// Calls: accept4(2), epoll_wait(2), recvmsg(2), getsockopt(2); for TCP sock_diag(7).</remarks>
public sealed class SocketListener : IpcChannel
{
    private readonly DeadlineLock _receiving = new();
    private readonly NativeSocket _socket;
    private readonly SocketFile? _file;
    private readonly AllowedUsers _allowed;
    private readonly RejectedClientLog _errors = new();
    private readonly Acceptor _source;
    private readonly ClientPoller _clients;
    private long _accepted;

    internal SocketListener(NativeSocket socket, SocketFile? file, AllowedUsers allowed, int backlog) : base(socket.Address)
    {
        _socket = socket;
        _file = file;
        _allowed = allowed;
        Backlog = backlog;
        // A thread that waits for connections must not be kept by another process that takes them.
        socket.SetBlocking(false);
        _source = socket.IsUnix || allowed.Everybody || allowed.Unknown ? new InlineAcceptor(socket, allowed, _errors) : new BackgroundAcceptor(socket, allowed, _errors, backlog, Closing);
        _clients = new ClientPoller(_source.Readiness, Address);
    }

    /// <inheritdoc/>
    public override string Kind => !_socket.IsUnix ? "TCP listener" : _socket.Type == IpcSocketType.Stream ? "unix stream listener" : "unix seqpacket listener";

    /// <inheritdoc/>
    public override bool CanSend => false;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed;

    /// <inheritdoc/>
    public override bool IsByteStream => _socket.Type == IpcSocketType.Stream;

    /// <summary>Connections that the kernel keeps until they are accepted; at most net.core.somaxconn.</summary>
    public int Backlog { get; }

    /// <summary>The users that are served, by name; <c>*</c> for everybody.</summary>
    public IReadOnlyList<string> AllowedUsers => _allowed.Names;

    /// <summary>Clients that are connected and that this listener receives from.</summary>
    public int Clients => _clients.Count;

    /// <summary>Clients that were accepted so far.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Clients that were refused because their user is not served, or could not be found out.</summary>
    public long Refused => _errors.Refused;

    /// <summary>Clients that were disconnected because they sent what nobody can read.</summary>
    public long Failed => _errors.Failed;

    /// <inheritdoc/>
    public override System.Runtime.InteropServices.SafeHandle? HandleToPass => _socket.Descriptor;

    /// <inheritdoc/>
    public override IReadOnlyList<string> TakeWarnings() => _errors.Take();

    /// <summary>Waits for the next connection, which is then the caller's own.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Empty"/> (immediate deadline), <see cref="IpcErrors.Closed"/>,
    /// <see cref="IpcErrors.LimitReached"/>: no descriptors left.</exception>
    public IpcChannel Accept(in WaitOptions wait = default)
    {
        ThrowIfClosed();
        try
        {
            var attempt = new AcceptAttempt(_source);
            var spin = default(AdaptiveWait);
            if (!Waiter.Until(ref attempt, _source.Readiness, ref spin, wait, Closing))
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
        throw new IpcException(IpcErrors.NotSupported, $"'{Address}' is a listener: it has no other side to send to.", Address.Text, "Reply to a message, or connect as a client.") { Advice = IpcAdvice.ReplyOrConnect };
    }

    /// <inheritdoc/>
    public override bool Receive(MessageBuffer message, in ReceiveOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        RequireReceive();
        PacketSend.RequirePlain(options, this);
        if (!_receiving.Enter(wait)) throw IpcException.TimedOut($"another receiver on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        try
        {
            _clients.LookAtSource(true);
            while (true)
            {
                // Looked at between any two turns: clients that never stop must not keep others from connecting.
                if (_clients.TakeSourceReady()) AcceptAll();
                if (_clients.Next() is { } client)
                {
                    if (TryReceive(client, message, options)) return true;
                }
                else if (!_clients.Wait(wait, Closing))
                    throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            }
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        finally
        {
            _receiving.Exit();
        }
    }

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _clients.Descriptor;

    /// <summary>The connection is its user's from now on.</summary>
    internal void Release(AcceptedClient client)
    {
        client.Connection.Link = null;
        _clients.Remove(client);
    }

    /// <summary>Something was sent to a client.</summary>
    internal void Sent(AcceptedClient client, int replies)
    {
        client.Connection.Trim();
        if (replies > 0 && Interlocked.Add(ref client.Unanswered, -replies) <= 0 && client.HasEnded) Close(client);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // While the socket is still there: nobody takes the file for a dead server's before it is gone.
        _file?.Remove();
        foreach (var client in _clients.RemoveAll())
        {
            client.Connection.Link = null;
            client.Connection.Channel.Dispose();
        }
        _clients.Dispose();
        _source.Dispose();
        _socket.Dispose();
    }

    private void AcceptAll()
    {
        try
        {
            while (_source.TryAccept() is { } connection)
            {
                var client = new AcceptedClient(connection);
                connection.Link = new ListenerRegistration(client, this);
                _clients.Add(client);
                Interlocked.Increment(ref _accepted);
            }
        }
        catch (IpcException e) when (_clients.Count > 0)
        {
            // No descriptors left: those who have one are served, the others wait in the backlog until one of them leaves.
            _errors.Add(e);
            _clients.LookAtSource(false);
        }
    }

    private bool TryReceive(AcceptedClient client, MessageBuffer message, in ReceiveOptions options)
    {
        var connection = client.Connection;
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
        catch (IpcException e)
        {
            // Its user may have closed it meanwhile, which is nobody's fault.
            if (!connection.Channel.IsClosed) _errors.AddFailed(PeerIdentity.Of(connection.Socket.PeerCredentials()), e);
            Close(client);
        }
        _clients.EndTurn();
        // Where descriptors had run out, one may be free now.
        if (client.Slot < 0) _clients.LookAtSource(true);
        return false;
    }

    private void End(AcceptedClient client)
    {
        _clients.Remove(client);
        client.HasEnded = true;
        // One that waits for the reply to a request is closed after that.
        if (Volatile.Read(ref client.Unanswered) <= 0) Close(client);
    }

    private void Close(AcceptedClient client)
    {
        Release(client);
        client.Connection.Channel.Dispose();
    }

    private struct AcceptAttempt(Acceptor source) : IAttempt
    {
        public ISocketConnection? Accepted { get; private set; }

        public bool TryOnce() => (Accepted = source.TryAccept()) is not null;
    }
}
