using System.Runtime.InteropServices;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>Where a listener's connections come from: accept4(2), and the question whose each is.</summary>
internal abstract class Acceptor(NativeSocket listening, AllowedUsers allowed, RejectedClientLog errors) : IDisposable
{
    /// <summary>What to poll for a connection.</summary>
    public abstract SafeDescriptor Readiness { get; }

    /// <summary>Accepts a connection if one is there whose user is served.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: one is there, and this process may have no more descriptors.</exception>
    public abstract ISocketConnection? TryAccept();

    public abstract void Dispose();

    protected NativeSocket Listening => listening;

    protected RejectedClientLog Errors => errors;

    /// <summary>Accepts the next one that is served; closes those that are not.</summary>
    protected ISocketConnection? AcceptNow()
    {
        while (AcceptAny() is { } socket)
        {
            try
            {
                var peer = Identify(socket);
                if (allowed.Contains(peer.UserId)) return Connection(socket, peer);
                errors.AddRefused(peer, listening.Address);
            }
            catch (IpcException e)
            {
                errors.AddFailed(default, e);
            }
            socket.Dispose();
        }
        return null;
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
                // The client gave up meanwhile; accept(2) advises the same for EPERM (a firewall) as for EINTR.
                case Errno.EINTR or Errno.ECONNABORTED or Errno.EPERM:
                    continue;
                default:
                    throw IpcException.FromErrno("accept4", errno, listening.Address.Text);
            }
        }
    }

    private PeerIdentity Identify(NativeSocket socket) => socket.IsUnix ? PeerIdentity.Of(socket.PeerCredentials())
        : allowed.Everybody ? default
        : new PeerIdentity(null, LoopbackPeerOwner.OfTcpClient(socket), null);

    private static ISocketConnection Connection(NativeSocket socket, PeerIdentity peer)
    {
        if (socket.Type == IpcSocketType.SeqPacket) return new SeqPacketSocket(socket, peer);
        // A small message waits for no other: TCP would hold it back until the last one is acknowledged.
        if (!socket.IsUnix) socket.SetOption(Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        return new StreamSocket(socket, peer);
    }
}
