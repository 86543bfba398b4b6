using IpcPs.Messaging;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>A datagram socket with a name that anybody can send to: unix (unix(7)) or UDP over loopback (udp(7)).</summary>
/// <remarks>Messages of all senders are received as they come; each is answered through its <see cref="MessageBuffer.ReplyChannel"/>. The kernel says who sent a
/// unix datagram. Whose a UDP datagram is has to be looked up, by the port that it came from, which is done as soon as it comes (unless everybody is allowed):
/// a sender that has closed its socket by then can't be known, and is refused like one of another user. What is refused is dropped and counted, and its
/// sender is not told.
/// Calls: recvmsg(2), sendmsg(2), ppoll(2), sock_diag(7).</remarks>
public sealed class DatagramListener : MessageChannel
{
    private const int MaxKnownSenders = 1024;

    private readonly DeadlineLock _receiving = new();
    private readonly NativeSocket _socket;
    private readonly NativeSocketAddress _name;
    private readonly SocketFile? _file;
    private readonly AllowedUsers _allowed;
    private readonly RejectedClientLog _errors = new();
    private readonly Dictionary<NativeSocketAddress, DatagramReply> _senders = [];
    private readonly BackgroundDatagramReceiver? _eager;
    private AdaptiveWait _spin = AdaptiveWait.InConversations;
    private long _dropped;

    internal DatagramListener(NativeSocket socket, SocketFile? file, AllowedUsers allowed) : base(socket.Address)
    {
        _socket = socket;
        _file = file;
        _allowed = allowed;
        _name = socket.Name();
        if (!socket.IsUnix && !allowed.Everybody) _eager = new BackgroundDatagramReceiver(socket, AdmitUdp, Closing);
    }

    /// <inheritdoc/>
    public override string Kind => _socket.IsUnix ? "unix datagram listener" : "UDP listener";

    /// <inheritdoc/>
    public override bool CanSend => false;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed;

    /// <summary>The users that are served, by name; <c>*</c> for everybody.</summary>
    public IReadOnlyList<string> AllowedUsers => _allowed.Names;

    /// <summary>Messages that were dropped because their sender is not served, or could not be found out.</summary>
    public long Refused => _errors.Refused;

    /// <summary>UDP: datagrams that the kernel dropped because the receive buffer was full.</summary>
    public long Dropped => IsClosed ? _dropped : _dropped = _socket.Drops();

    /// <inheritdoc cref="SocketBuffers.GetReceive"/>
    public int ReceiveBufferSize
    {
        get => SocketBuffers.GetReceive(Open);
        set => SocketBuffers.SetReceive(Open, value);
    }

    /// <inheritdoc cref="SocketBuffers.GetSend"/>
    public int SendBufferSize
    {
        get => SocketBuffers.GetSend(Open);
        set => SocketBuffers.SetSend(Open, value);
    }

    /// <summary>Bytes of the next message.</summary>
    public int PendingBytes => SocketBuffers.GetPending(Open);

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
    public override IReadOnlyList<string> TakeWarnings() => _errors.Take();

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        ThrowIfClosed();
        throw new IpcException(IpcErrors.NotSupported, $"'{Address}' is a listener: it sends answers only, and those to senders that have a name.", Address.Text,
            "Reply to a message. A sender that expects a reply binds its socket to a name.") { Advice = IpcAdvice.ReplyOrConnect };
    }

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait) =>
        throw new InvalidOperationException("A listener does not send.");

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        PacketSend.RequirePlain(options, this);
        if (!_receiving.Enter(wait)) throw IpcException.TimedOut($"another receiver on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        try
        {
            if (_eager is not null)
            {
                ReceiveEager(_eager, message, wait);
                return true;
            }
            while (true)
            {
                var attempt = new ReceiveAttempt(_socket, message);
                if (!Waiter.Until(ref attempt, _socket.Descriptor, ref _spin, wait, Closing))
                    throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
                if (Admit(attempt, message)) return true;
                message.Clear();
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

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => _eager?.Readiness ?? _socket.Descriptor;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _file?.Remove();
        _eager?.Dispose();
        _socket.Dispose();
    }

    private bool Admit(in ReceiveAttempt attempt, MessageBuffer message)
    {
        attempt.Data.Describe(message);
        if (!_allowed.Contains(message.SenderUserId))
        {
            _errors.AddRefused(new PeerIdentity(message.SenderId, message.SenderUserId, null), Address);
            return false;
        }
        message.ReplyChannel = ReplyTo(attempt.Sender);
        return true;
    }

    private void ReceiveEager(BackgroundDatagramReceiver eager, MessageBuffer message, in WaitOptions wait)
    {
        var attempt = new TakeAttempt(eager, message);
        if (!Waiter.Until(ref attempt, eager.Readiness, ref _spin, wait, Closing))
            throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
        message.ReplyChannel = ReplyTo(attempt.Sender);
    }

    private uint? AdmitUdp(NativeSocketAddress sender)
    {
        var user = LoopbackPeerOwner.OfUdpSender(sender, _name, _allowed);
        if (_allowed.Contains(user)) return user;
        _errors.AddRefused(new PeerIdentity(null, user, null), Address);
        return null;
    }

    private DatagramReply? ReplyTo(NativeSocketAddress sender)
    {
        if (sender.Length == 0 || sender.IsUnnamed) return null;
        if (_senders.TryGetValue(sender, out var known) && !known.IsClosed) return known;
        if (_senders.Count >= MaxKnownSenders) _senders.Clear();
        return _senders[sender] = new DatagramReply(this, sender);
    }

    private struct TakeAttempt(BackgroundDatagramReceiver eager, MessageBuffer message) : IAttempt
    {
        public NativeSocketAddress Sender;

        public bool TryOnce() => eager.TryTake(message, out Sender);
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
