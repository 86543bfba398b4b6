using System.Runtime.InteropServices;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>Accepts the connections of a listener's allowed users.</summary>
internal interface IAcceptor : IDisposable
{
    /// <summary>The descriptor to poll for a connection.</summary>
    SafeDescriptor Readiness { get; }

    /// <summary>Accepts a connection of an allowed user, if one is waiting. Never blocks.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: one is waiting, and this process may open no more
    /// descriptors.</exception>
    ISocketConnection? TryAccept();
}

/// <summary>Accepts when it is called. That is enough for a Unix socket: the kernel reports its user for as long as it is open.</summary>
internal sealed class InlineAcceptor(NativeSocket listening, AllowedUsers allowed, RejectedClientLog rejected) : IAcceptor
{
    public SafeDescriptor Readiness => listening.Descriptor;

    public ISocketConnection? TryAccept()
    {
        while (AcceptAny() is { } socket)
        {
            try
            {
                var peer = Identify(socket);
                if (allowed.Contains(peer.UserId)) return Connection(socket, peer);
                rejected.AddRefused(peer, listening.Address);
            }
            catch (IpcException e)
            {
                rejected.AddFailed(default(PeerIdentity), e);
            }
            socket.Dispose();
        }
        return null;
    }

    public void Dispose()
    {
    }

    private unsafe NativeSocket? AcceptAny()
    {
        while (true)
        {
            var fd = Libc.accept4(listening.Descriptor, null, null, Libc.SOCK_CLOEXEC);
            if (fd >= 0) return new NativeSocket(new SafeDescriptor(fd), listening.Family, listening.Type, listening.Address);
            var errno = Marshal.GetLastPInvokeError();
            switch (errno)
            {
                case Errno.EAGAIN:
                    return null;
                // The client closed its connection meanwhile. accept(2) advises to retry after EPERM (a firewall) too.
                case Errno.EINTR or Errno.ECONNABORTED or Errno.EPERM:
                    continue;
                default:
                    throw IpcException.FromErrno("accept4", errno, listening.Address.Text);
            }
        }
    }

    private PeerIdentity Identify(NativeSocket socket) => socket.IsUnix ? socket.Peer()
        : allowed.Everybody ? default
        : new PeerIdentity(null, LoopbackPeerOwner.OfTcpClient(socket), null);

    private static ISocketConnection Connection(NativeSocket socket, PeerIdentity peer)
    {
        if (socket.Type == IpcSocketType.SeqPacket) return new SeqPacketSocket(socket, peer);
        if (!socket.IsUnix) socket.SendSmallMessagesAtOnce();
        return new StreamSocket(socket, peer);
    }
}

/// <summary>Accepts TCP connections in the background. It queues as many connections as the backlog has, and no more.</summary>
internal sealed class BackgroundAcceptor : BackgroundReceiver<ISocketConnection>, IAcceptor
{
    private readonly InlineAcceptor _acceptor;

    public BackgroundAcceptor(InlineAcceptor acceptor, NativeSocket listening, int backlog, CancellationToken closing)
        : base(listening, Math.Max(backlog, 1), Math.Max(backlog, 1) - 1, closing)
    {
        _acceptor = acceptor;
        Start();
    }

    public ISocketConnection? TryAccept() => TryDequeue(out var connection) ? connection : null;

    protected override bool TryReceive(out ISocketConnection item, out int size)
    {
        size = 1;
        return (item = _acceptor.TryAccept()!) is not null;
    }

    protected override void Discard(ISocketConnection item) => item.Channel.Dispose();
}
