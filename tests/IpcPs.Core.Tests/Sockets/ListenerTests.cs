using System.Globalization;
using System.Text;
using IpcPs.Linux;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Sockets;

public sealed class ListenerTests : IDisposable
{
    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(120));
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };
    private static readonly SendOptions Framed = new() { Framed = true };

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("tcp")]
    public async Task Five_hundred_clients_that_send_at_once_lose_nothing_and_keep_their_order(string kind)
    {
        const int clients = 500, each = 40;
        var listener = (SocketListener)_place.Listen(kind);
        var connected = Enumerable.Range(0, clients).Select(_ => _place.Connect(listener)).ToArray();
        var sending = Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(() =>
        {
            var bytes = new byte[100];
            for (var i = 0; i < each; i++)
            {
                for (var client = worker; client < clients; client += 8)
                {
                    BitConverter.TryWriteBytes(bytes, client);
                    BitConverter.TryWriteBytes(bytes.AsSpan(4), i);
                    connected[client].Send(bytes, Framed, Soon);
                }
            }
        })));
        var next = new int[clients];
        for (var received = 0; received < clients * each; received++)
        {
            Assert.True(listener.Receive(_message, default, Soon));
            var client = BitConverter.ToInt32(_message.Payload.Span);
            Assert.Equal(100, _message.Length);
            Assert.Equal(next[client]++, BitConverter.ToInt32(_message.Payload.Span[4..]));
        }
        await sending;
        Assert.Equal(clients, listener.Clients);
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate)).Id);
    }

    [Fact]
    public void An_idle_listener_with_many_clients_uses_no_CPU()
    {
        var listener = _place.Listen("stream");
        for (var i = 0; i < 100; i++) _place.Connect(listener).Send("x"u8, Framed);
        for (var i = 0; i < 100; i++) listener.Receive(_message, default, Soon);
        Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.After(TimeSpan.FromMilliseconds(50))));
        var spent = long.MaxValue;
        var thread = new Thread(() =>
        {
            Assert.Throws<IpcException>(() => listener.Receive(new MessageBuffer(), default,
                Deadline.After(TimeSpan.FromMilliseconds(500))));
            spent = Ticks(Libc.gettid());
        });
        thread.Start();
        thread.Join();
        // Clock ticks of 10 ms: a loop that polls would have used 50.
        Assert.InRange(spent, 0, 10);
    }

    [Fact]
    public void A_client_that_never_stops_sending_holds_up_nobody()
    {
        var listener = _place.Listen("stream");
        var busy = _place.Connect(listener);
        using var stop = new CancellationTokenSource();
        var flood = new Thread(() =>
        {
            try
            {
                while (true) busy.Send("noise"u8, Text, stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or IpcException)
            {
                // The end of the test.
            }
        });
        flood.Start();
        try
        {
            for (var i = 0; i < 1000; i++) listener.Receive(_message, default, Soon);
            var quiet = _place.Connect(listener);
            quiet.Send("quiet"u8, Text);
            var before = 0;
            for (; ; before++)
            {
                Assert.True(listener.Receive(_message, default, Soon));
                if (Encoding.UTF8.GetString(_message.Payload.Span) == "quiet") break;
            }
            // A turn is 16 messages, and no other client has a message.
            Assert.InRange(before, 0, 64);
        }
        finally
        {
            stop.Cancel();
            flood.Join();
        }
    }

    [Theory]
    [MemberData(nameof(SocketPlace.All), MemberType = typeof(SocketPlace))]
    public void Each_message_is_answered_to_its_own_sender(string kind)
    {
        var listener = _place.Listen(kind);
        var clients = Enumerable.Range(0, 5).Select(_ => _place.Connect(listener)).ToArray();
        for (var i = 0; i < clients.Length; i++) clients[i].Send(Encoding.UTF8.GetBytes($"from {i}"), Framed, Soon);
        for (var i = 0; i < clients.Length; i++)
        {
            Assert.True(listener.Receive(_message, default, Soon));
            _message.ReplyChannel!.Send(Encoding.UTF8.GetBytes("to" + Encoding.UTF8.GetString(_message.Payload.Span)[4..]), Framed, Soon);
        }
        for (var i = 0; i < clients.Length; i++)
        {
            Assert.True(clients[i].Receive(_message, default, Soon));
            Assert.Equal($"to {i}", Encoding.UTF8.GetString(_message.Payload.Span));
        }
    }

    [Theory]
    [MemberData(nameof(SocketPlace.Connected), MemberType = typeof(SocketPlace))]
    public void A_client_that_leaves_ends_nothing_but_itself(string kind)
    {
        var listener = (SocketListener)_place.Listen(kind);
        var leaving = _place.Connect(listener);
        leaving.Send("last words"u8, Framed);
        leaving.Dispose();
        var staying = _place.Connect(listener);
        staying.Send("still here"u8, Framed);
        var texts = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            Assert.True(listener.Receive(_message, default, Soon));
            texts.Add(Encoding.UTF8.GetString(_message.Payload.Span));
        }
        Assert.Equal(["last words", "still here"], texts.Order());
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate)).Id);
        Assert.Equal(1, listener.Clients);
    }

    [Fact]
    public void A_client_that_ends_its_sending_still_gets_the_answer()
    {
        var listener = _place.Listen("stream");
        var client = _place.Connect(listener);
        client.Send("question"u8, Text);
        client.CompleteSending();
        Assert.True(listener.Receive(_message, default, Soon));
        _message.ReplyChannel!.Send("answer"u8, Text);
        Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate));
        Assert.True(client.Receive(_message, default, Soon));
        Assert.Equal("answer"u8, _message.Payload.Span);
        Assert.False(client.Receive(_message, default, Soon));
    }

    [Fact]
    public void A_client_that_waits_for_a_reply_is_kept_until_it_was_sent()
    {
        var listener = (SocketListener)_place.Listen("stream");
        var client = _place.Connect(listener);
        client.Send("question"u8, new SendOptions { Framed = true, CorrelationId = 7 });
        client.CompleteSending();
        Assert.True(listener.Receive(_message, default, Soon));
        var back = _message.ReplyChannel!;
        Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate));
        back.Enqueue("answer"u8, new SendOptions { Framed = true, CorrelationId = 7, IsReply = true });
        back.Flush();
        Assert.True(client.Receive(_message, default, Soon));
        Assert.True(_message.IsReply);
        Assert.False(client.Receive(_message, default, Soon));
        Assert.True(back.IsClosed);
    }

    [Fact]
    public void Connections_are_handed_out_one_by_one()
    {
        var listener = (SocketListener)_place.Listen("tcp");
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() =>
            listener.Accept(Deadline.After(TimeSpan.FromMilliseconds(20)))).Id);
        var client = _place.Connect(listener);
        using var server = listener.Accept(Soon);
        client.Send("x"u8, Text);
        Assert.True(server.Receive(_message, default, Soon));
        Assert.Equal(0, listener.Clients);
    }

    [Fact]
    public void A_connection_that_is_received_from_by_its_user_is_the_user_s()
    {
        var listener = (SocketListener)_place.Listen("stream");
        var client = _place.Connect(listener);
        client.Send("one"u8, Text);
        Assert.True(listener.Receive(_message, default, Soon));
        var connection = _place.Keep(_message.ReplyChannel!);
        client.Send("two"u8, Text);
        Assert.True(connection.Receive(_message, default, Soon));
        Assert.Equal(0, listener.Clients);
        client.Send("three"u8, Text);
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate)).Id);
        Assert.True(connection.Receive(_message, default, Soon));
    }

    [Needs("python3")]
    public void Garbage_and_half_messages_cost_their_sender_the_connection_and_nobody_else()
    {
        var listener = (SocketListener)_place.Listen("stream");
        var honest = _place.Connect(listener);
        Peer.RunPython("""
            import socket, sys, os
            for bytes in (b'\xc1\x02', b'\xc1\x01\xff\x01' + b'\xff' * 30, b'\xc1\x01\x00\x01\xff\xff\xff\x7f',
                    b'\xc1\x01\x01\x01' + b'\x10\0\0\0' + os.urandom(24), b'\xc1\x01\x00\x01\x10\0\0\0half'):
                s = socket.socket(socket.AF_UNIX)
                s.connect(sys.argv[1])
                s.sendall(bytes)
                s.close()
            """, listener.Address.Path!);
        honest.Send("fine"u8, Framed);
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.Equal("fine"u8, _message.Payload.Span);
        Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate));
        Assert.Equal(5, listener.Failed);
        Assert.Equal(1, listener.Clients);
        Assert.Equal(5, listener.TakeWarnings().Count);
        Assert.Empty(listener.TakeWarnings());
    }

    [Needs("python3")]
    public void A_client_that_is_killed_loses_nothing_that_it_sent_whole()
    {
        var listener = (SocketListener)_place.Listen("stream");
        using var peer = Peer.StartPython("""
            import socket, sys, time
            s = socket.socket(socket.AF_UNIX)
            s.connect(sys.argv[1])
            s.sendall(b''.join(b'%d\n' % i for i in range(1000)))
            print('sent', flush=True)
            sys.stdin.read()
            """, listener.Address.Path!);
        Assert.Equal("sent", peer.ReadLine());
        peer.Kill();
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(listener.Receive(_message, default, Soon));
            Assert.Equal(i.ToString(CultureInfo.InvariantCulture), Encoding.UTF8.GetString(_message.Payload.Span));
        }
        Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate));
        Assert.Equal(0, listener.Clients);
        Assert.Equal(0, listener.Failed);
    }

    [Theory]
    [MemberData(nameof(SocketPlace.Connected), MemberType = typeof(SocketPlace))]
    public void Closing_the_listener_closes_its_clients(string kind)
    {
        var listener = _place.Listen(kind);
        var client = _place.Connect(listener);
        client.Send("x"u8, Framed);
        Assert.True(listener.Receive(_message, default, Soon));
        listener.Dispose();
        Assert.False(client.Receive(_message, default, Soon));
    }

    private static long Ticks(int thread)
    {
        // utime and stime, proc(5); the name in brackets may have spaces in it.
        var stat = File.ReadAllText($"/proc/self/task/{thread}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }
}
