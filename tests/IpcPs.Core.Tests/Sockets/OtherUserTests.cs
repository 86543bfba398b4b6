using IpcPs.Linux;
using IpcPs.Sockets;
using IpcPs.Sockets.Loopback;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Sockets;

/// <summary>Clients of another user: needs root, to have one.</summary>
public sealed class OtherUserTests : IDisposable
{
    private const string Client = """
        import os, socket, sys
        kind, where, uid = sys.argv[1:4]
        os.setgid(int(uid)); os.setuid(int(uid))
        unix = kind not in ('tcp', 'tcp6', 'mapped', 'udp')
        type = {'seqpacket': socket.SOCK_SEQPACKET, 'datagram': socket.SOCK_DGRAM, 'udp': socket.SOCK_DGRAM}.get(kind, socket.SOCK_STREAM)
        family = socket.AF_UNIX if unix else socket.AF_INET6 if kind in ('tcp6', 'mapped') else socket.AF_INET
        s = socket.socket(family, type)
        if kind == 'datagram': s.bind('')
        if kind == 'mapped': s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        host = {'tcp6': '::1', 'mapped': '::ffff:127.0.0.1'}.get(kind, '127.0.0.1')
        try:
            s.connect(where if kind != 'abstract' else '\0' + where) if unix else s.connect((host, int(where)))
            s.send(b'from another user\n')
            # Stays until the server has made up its mind: until it answers, or closes.
            if type != socket.SOCK_DGRAM: print('read', s.recv(100).decode())
            else: print('sent', flush=True); sys.stdin.read()
        except OSError as e:
            print('refused', e.errno)
        """;

    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public void Dispose() => _place.Dispose();

    [RootTheory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("abstract")]
    [InlineData("tcp")]
    [InlineData("tcp6")]
    [InlineData("mapped")]
    public async Task Another_user_s_connection_is_refused_and_the_own_user_s_served(string kind)
    {
        File.SetUnixFileMode(_place.Folder, (UnixFileMode)0x1FF);
        // The file lets everybody in: what refuses is the question whose the client is.
        var listener = (SocketListener)_place.Listen(kind == "mapped" ? "tcp" : kind,
            new SocketListenOptions { Mode = (UnixFileMode)0x1B6 });
        using var peer = Peer.StartPython(Client, kind, Where(listener), "65534");
        var own = _place.Connect(listener);
        var output = Task.Run(peer.Finish);
        while (listener.Refused == 0) Assert.Throws<IpcException>(() =>
            listener.Receive(_message, default, Deadline.After(TimeSpan.FromMilliseconds(10))));
        Assert.Contains((await output).Trim(), new[] { "read", "refused 104", "refused 32" });
        own.Send("mine"u8, new SendOptions { Framed = true });
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.Equal("mine"u8, _message.Payload.Span);
        Assert.Equal(0u, _message.SenderUserId);
        Assert.Equal(1, listener.Refused);
        Assert.Contains("nobody", Assert.Single(listener.TakeWarnings()), StringComparison.Ordinal);
    }

    [RootTheory]
    [InlineData("stream", "65534")]
    [InlineData("tcp", "nobody")]
    [InlineData("tcp6", "65534")]
    [InlineData("mapped", "65534")]
    [InlineData("abstract", "*")]
    [InlineData("tcp", "*")]
    public void Another_user_who_was_named_is_served(string kind, string allow)
    {
        File.SetUnixFileMode(_place.Folder, (UnixFileMode)0x1FF);
        var listener = (SocketListener)_place.Listen(kind == "mapped" ? "tcp" : kind, new SocketListenOptions { AllowUsers = [allow] });
        using var peer = Peer.StartPython(Client, kind, Where(listener), "65534");
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.Equal("from another user"u8, _message.Payload.Span);
        Assert.Equal(allow == "*" && listener.Address.Scheme != IpcScheme.Unix ? null : 65534u, _message.SenderUserId);
        _message.ReplyChannel!.Send("served"u8, new SendOptions { Format = IpcFormat.Text });
        Assert.Equal("read served", peer.Finish().Trim());
    }

    [RootTheory]
    [InlineData("datagram")]
    [InlineData("udp")]
    public void Another_user_s_datagram_is_dropped_unless_that_user_was_named(string kind)
    {
        File.SetUnixFileMode(_place.Folder, (UnixFileMode)0x1FF);
        using (var listener = (DatagramListener)IpcSocket.Listen(_place.Address(kind),
            new SocketListenOptions { Mode = (UnixFileMode)0x1B6 }))
        {
            using var peer = Peer.StartPython(Client, kind, Where(listener), "65534");
            Assert.Equal("sent", peer.ReadLine());
            Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate)).Id);
            Assert.Equal(1, listener.Refused);
            var own = _place.Connect(listener);
            own.Send("mine"u8);
            Assert.True(listener.Receive(_message, default, Soon));
            Assert.Equal(0u, _message.SenderUserId);
        }
        using (var listener = (DatagramListener)IpcSocket.Listen(_place.Address(kind), new SocketListenOptions { AllowUsers = ["nobody"] }))
        {
            using var peer = Peer.StartPython(Client, kind, Where(listener), "65534");
            Assert.True(listener.Receive(_message, new ReceiveOptions { Format = IpcFormat.Bytes }, Soon));
            Assert.Equal(65534u, _message.SenderUserId);
            Assert.Equal(0, listener.Refused);
        }
    }

    [RootFact]
    public void A_port_that_two_users_share_is_nobody_s()
    {
        const string script = """
            import os, socket, sys
            def bound(port):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(('127.0.0.1', port))
                return s
            own = bound(0)
            os.setuid(65534)
            foreign = bound(own.getsockname()[1])
            foreign.sendto(b'evil', ('127.0.0.1', int(sys.argv[1])))
            print('sent', flush=True)
            sys.stdin.read()
            """;
        var listener = (DatagramListener)_place.Listen("udp");
        using var peer = Peer.StartPython(script, Where(listener));
        Assert.Equal("sent", peer.ReadLine());
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate)).Id);
        Assert.Equal(1, listener.Refused);
    }

    [RootFact]
    public void A_client_that_has_broken_off_can_t_borrow_another_user_s_connection()
    {
        // Now and then another process gets the port in between. Then there is nothing to see, and it is tried again.
        Assert.Contains(Enumerable.Range(0, 10), _ => TryToBorrow());
    }

    private static bool TryToBorrow()
    {
        // Another user sends, resets, and the port is at once used by this one: the bytes are the other user's all the same.
        using var listening = NativeSocket.Create(IpcAddress.Parse("tcp:127.0.0.1:0"));
        Assert.Equal(0, listening.TryBind(NativeSocketAddress.Of(listening.Address)));
        Assert.Equal(0, Libc.listen(listening.Descriptor, 10));
        var port = listening.Name().Port;
        var output = Peer.RunPython("""
            import errno, os, socket, struct, sys
            s = socket.socket()
            os.setuid(65534)
            f = socket.socket()
            f.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            f.connect(('127.0.0.1', int(sys.argv[1])))
            port = f.getsockname()[1]
            f.send(b'evil')
            f.close()
            try:
                s.bind(('127.0.0.1', port))
            except OSError as e:
                if e.errno != errno.EADDRINUSE: raise
                print('taken')
                sys.exit()
            s.connect(('127.0.0.1', int(sys.argv[1])))
            print(port)
            """, port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.NotEmpty(output);
        if (output == "taken") return false;
        var fd = Accept(listening);
        using var first = new NativeSocket(new SafeDescriptor(fd), Libc.AF_INET, IpcSocketType.Stream, listening.Address);
        Assert.Null(LoopbackPeerOwner.OfTcpClient(first));
        return true;
    }

    private static unsafe int Accept(NativeSocket listening) => Libc.accept4(listening.Descriptor, null, null, Libc.SOCK_CLOEXEC);

    private static string Where(IpcChannel listener) => listener.Address switch
    {
        { EndPoint: { } endPoint } => endPoint.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        { IsAbstract: true } abstractly => abstractly.Name!,
        var other => other.Path!,
    };
}
