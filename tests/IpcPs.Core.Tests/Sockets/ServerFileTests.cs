using IpcPs.Mechanisms;
using IpcPs.Sockets;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Sockets;

public sealed class ServerFileTests : IDisposable
{
    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    public void The_file_has_the_mode_that_was_asked_for_and_goes_with_its_listener(string kind)
    {
        var address = _place.Address(kind);
        var old = Umask.Set(0x7f);
        try
        {
            using var listener = IpcSocket.Listen(address, new SocketListenOptions { Mode = (UnixFileMode)0x1B0 });
            Assert.Equal((UnixFileMode)0x1B0, File.GetUnixFileMode(address.Path!));
        }
        finally
        {
            _ = Umask.Set(old);
        }
        Assert.False(Path.Exists(address.Path));
        using var plain = IpcSocket.Listen(address);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(address.Path!));
    }

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    [InlineData("abstract")]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void A_live_server_s_address_is_refused(string kind)
    {
        var listener = _place.Listen(kind);
        var client = _place.Connect(listener);
        Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() => IpcSocket.Listen(listener.Address)).Id);
        client.Send("x"u8, new SendOptions { Framed = true });
        Assert.True(listener.Receive(_message, default, Soon));
        // Asking whether it lives was no client.
        if (listener is SocketListener counted) Assert.Equal(1, counted.Accepted);
    }

    [Needs("python3")]
    public void A_dead_server_s_file_is_taken_over_whatever_its_type_was()
    {
        foreach (var type in new[] { "STREAM", "DGRAM", "SEQPACKET" })
        {
            var address = _place.Address("stream");
            using var peer = Peer.StartPython($"""
                import socket, sys
                s = socket.socket(socket.AF_UNIX, socket.SOCK_{type})
                s.bind(sys.argv[1])
                print('bound', flush=True)
                sys.stdin.read()
                """, address.Path!);
            Assert.Equal("bound", peer.ReadLine());
            // Bound is alive, even where it does not listen yet.
            Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() => IpcSocket.Listen(address)).Id);
            peer.Kill();
            Assert.True(Path.Exists(address.Path));
            using var listener = IpcSocket.Listen(address);
            using var client = IpcSocket.Connect(address);
            client.Send("x"u8, new SendOptions { Framed = true });
            Assert.True(listener.Receive(_message, default, Soon));
        }
    }

    [Fact]
    public async Task Of_many_that_take_a_dead_server_over_at_once_one_gets_it()
    {
        var address = _place.Address("stream");
        for (var round = 0; round < 20; round++)
        {
            using (var dead = NativeSocket.Create(address)) Assert.Equal(0, dead.TryBind(NativeSocketAddress.Of(address)));
            Assert.True(Path.Exists(address.Path));
            var starts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
            {
                try
                {
                    return IpcSocket.Listen(address);
                }
                catch (IpcException e) when (e.Id == IpcErrors.AlreadyExists)
                {
                    return null;
                }
            })));
            var winner = Assert.Single(starts, static s => s is not null)!;
            using (var client = IpcSocket.Connect(address)) client.Send("x"u8, new SendOptions { Framed = true });
            Assert.True(winner.Receive(_message, default, Soon));
            winner.Dispose();
        }
    }

    [Fact]
    public void A_file_that_is_no_socket_is_left_alone()
    {
        var address = _place.Address("stream");
        File.WriteAllText(address.Path!, "precious");
        Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() => IpcSocket.Listen(address)).Id);
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcSocket.Connect(address)).Id);
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcMechanisms.For(IpcScheme.Unix).Remove(address)).Id);
        Assert.Equal("precious", File.ReadAllText(address.Path!));
    }

    [Fact]
    public void Closing_leaves_a_file_alone_that_another_server_has_put_there()
    {
        var address = _place.Address("stream");
        var first = IpcSocket.Listen(address);
        File.Delete(address.Path!);
        using var second = IpcSocket.Listen(address);
        first.Dispose();
        using var client = IpcSocket.Connect(address);
    }

    [Theory]
    [InlineData("stream", "IpcNotFound")]
    [InlineData("abstract", "IpcNoPeer")]
    public void Connecting_to_nobody_says_so(string kind, string id) =>
        Assert.Equal(id, Assert.Throws<IpcException>(() => IpcSocket.Connect(_place.Address(kind))).Id.Name);

    [Fact]
    public void Connecting_where_a_server_was_says_so()
    {
        var listener = _place.Listen("tcp");
        listener.Dispose();
        Assert.Equal(IpcErrors.NoPeer, Assert.Throws<IpcException>(() => IpcSocket.Connect(listener.Address)).Id);
        var address = _place.Address("stream");
        using (var dead = NativeSocket.Create(address)) Assert.Equal(0, dead.TryBind(NativeSocketAddress.Of(address)));
        Assert.Equal(IpcErrors.NoPeer, Assert.Throws<IpcException>(() => IpcSocket.Connect(address)).Id);
        using var other = _place.Listen("seqpacket");
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() =>
            IpcSocket.Connect(IpcAddress.Parse("unix:" + other.Address.Path))).Id);
    }

    [Theory]
    [MemberData(nameof(SocketPlace.All), MemberType = typeof(SocketPlace))]
    public async Task Opening_can_wait_until_the_server_is_there(string kind)
    {
        if (kind == "udp") return;  // UDP needs no server to send to.
        var address = kind == "tcp" ? SocketPlace.UnusedTcp() : _place.Address(kind);
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() => IpcSocket.Connect(address, untilThere: true,
            Deadline.After(TimeSpan.FromMilliseconds(30)))).Id);
        using var cancel = new CancellationTokenSource(30);
        Assert.Throws<OperationCanceledException>(() => IpcSocket.Connect(address, untilThere: true, cancel.Token));
        var connecting = Task.Run(() => IpcSocket.Connect(address, untilThere: true, Soon));
        Assert.False(connecting.IsCompleted);
        using var listener = IpcSocket.Listen(address);
        using var client = await connecting;
        client.Send("x"u8, new SendOptions { Framed = true });
        Assert.True(listener.Receive(_message, default, Soon));
    }

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("abstract")]
    public async Task A_full_backlog_is_waited_for_without_spinning(string kind)
    {
        var listener = (SocketListener)_place.Listen(kind, new SocketListenOptions { Backlog = 1 });
        var waiting = new List<IpcChannel>();
        var error = Assert.Throws<IpcException>(() =>
        {
            for (var i = 0; i < int.MaxValue; i++) waiting.Add(_place.Keep(IpcSocket.Connect(listener.Address, wait: Deadline.Immediate)));
        });
        Assert.Equal(IpcErrors.Full, error.Id);
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() => IpcSocket.Connect(listener.Address,
            wait: Deadline.After(TimeSpan.FromMilliseconds(30)))).Id);
        var connecting = Task.Run(() => IpcSocket.Connect(listener.Address, wait: Soon));
        for (var i = 0; i <= waiting.Count; i++) _place.Keep(listener.Accept(Soon));
        _place.Keep(await connecting);
    }

    [Fact]
    public void A_user_who_does_not_exist_is_an_error_before_anybody_listens()
    {
        var address = _place.Address("stream");
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => IpcSocket.Listen(address,
            new SocketListenOptions { AllowUsers = ["nobody-has-this-name"] })).Id);
        Assert.False(Path.Exists(address.Path));
    }
}
