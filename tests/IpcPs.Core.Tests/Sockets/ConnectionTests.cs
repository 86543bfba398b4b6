using System.Text;
using IpcPs.Linux;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using Xunit;

namespace IpcPs.Tests.Sockets;

public sealed class ConnectionTests : IDisposable
{
    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));
    private static readonly SendOptions Framed = new() { Framed = true };

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public void Dispose() => _place.Dispose();

    [Theory]
    [MemberData(nameof(SocketPlace.Connected), MemberType = typeof(SocketPlace))]
    [InlineData("tcp6")]
    public void Messages_arrive_whole_and_in_order_both_ways(string kind)
    {
        var (client, server) = _place.Pair(kind);
        foreach (var size in new[] { 0, 1, 100, 4000, 4096, 4097, 70_000, 150_000 })
        {
            var sent = Bytes(size);
            client.Send(sent, Framed, Soon);
            Assert.True(server.Receive(_message, default, Soon));
            Assert.Equal(sent, _message.Payload.ToArray());
            server.Send(sent, Framed, Soon);
            Assert.True(client.Receive(_message, default, Soon));
            Assert.Equal(sent, _message.Payload.ToArray());
        }
    }

    [Fact]
    public async Task A_stream_carries_messages_larger_than_every_buffer()
    {
        var (client, server) = _place.Pair("stream");
        var sent = Bytes(20_000_000);
        var sending = Task.Run(() => client.Send(sent, Framed, Soon));
        Assert.True(server.Receive(_message, default, Soon));
        await sending;
        Assert.True(sent.AsSpan().SequenceEqual(_message.Payload.Span));
    }

    [Theory]
    [MemberData(nameof(SocketPlace.Connected), MemberType = typeof(SocketPlace))]
    public void The_end_comes_after_everything_that_was_sent_and_the_other_direction_goes_on(string kind)
    {
        var (client, server) = _place.Pair(kind);
        client.Send("one"u8, Framed);
        client.Send("two"u8, Framed);
        client.CompleteSending();
        Assert.Equal("one", ReceiveText(server));
        Assert.Equal("two", ReceiveText(server));
        Assert.False(server.Receive(_message, default, Soon));
        Assert.False(server.Receive(_message, default, Soon));
        server.Send("answer"u8, Framed);
        Assert.Equal("answer", ReceiveText(client));
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => client.Send("x"u8, Framed)).Id);
    }

    [Theory]
    [MemberData(nameof(SocketPlace.Connected), MemberType = typeof(SocketPlace))]
    public void Sending_to_a_peer_that_has_closed_says_so(string kind)
    {
        var (client, server) = _place.Pair(kind);
        server.Dispose();
        var error = Assert.Throws<IpcException>(() =>
        {
            // TCP learns of it by the answer to the first.
            for (var i = 0; i < 1000; i++) client.Send("x"u8, Framed, Soon);
        });
        Assert.Equal(IpcErrors.PeerClosed, error.Id);
    }

    [Fact]
    public void A_packet_that_only_begins_like_an_envelope_is_bytes()
    {
        var (client, server) = _place.Pair("seqpacket");
        byte[] sent = [0xC1, 1, 0, 0xFF, 1, 2, 3, 4, 5];
        client.Send(sent);
        Assert.True(server.Receive(_message, default, Soon));
        Assert.Equal(sent, _message.Payload.ToArray());
        client.Send(sent);
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => server.Receive(_message,
            new ReceiveOptions { Format = IpcFormat.Object }, Soon)).Id);
    }

    [Fact]
    public void An_empty_packet_is_a_message_and_not_the_end()
    {
        var (client, server) = _place.Pair("seqpacket");
        client.Send(default, default);
        client.Send("x"u8, default);
        client.Send(default, default);
        client.Dispose();
        Assert.True(server.Receive(_message, default, Soon));
        Assert.Equal(0, _message.Length);
        Assert.True(server.Receive(_message, default, Soon));
        Assert.Equal(1, _message.Length);
        Assert.True(server.Receive(_message, default, Soon));
        Assert.Equal(0, _message.Length);
        Assert.False(server.Receive(_message, default, Soon));
    }

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    public void Every_message_says_who_sent_it(string kind)
    {
        var listener = _place.Listen(kind);
        var client = _place.Connect(listener);
        client.Send("x"u8, Framed);
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.Equal(Environment.ProcessId, _message.SenderId);
        Assert.Equal(Libc.geteuid(), _message.SenderUserId);
        _message.ReplyChannel!.Send("y"u8, Framed, Soon);
        Assert.True(client.Receive(_message, default, Soon));
        Assert.Equal(Environment.ProcessId, _message.SenderId);
    }

    [Theory]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    public void A_packet_longer_than_the_limit_is_refused_with_the_limit(string kind)
    {
        var listener = _place.Listen(kind);
        var client = _place.Connect(listener);
        var limit = (int)client.MaxMessageSize;
        client.Send(Bytes(limit), default, Soon);
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.True(_message.Payload.Span.SequenceEqual(Bytes(limit)));
        var error = Assert.Throws<IpcException>(() => client.Send(new byte[limit + 1], default, Soon));
        Assert.Equal(IpcErrors.MessageTooLarge, error.Id);
        Assert.Contains($"{limit}", error.Message, StringComparison.Ordinal);
        Assert.Contains("SO_SNDBUF", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_udp_datagram_has_at_most_65507_bytes()
    {
        var listener = _place.Listen("udp");
        var client = _place.Connect(listener);
        client.Send(Bytes(65507), default, Soon);
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.Equal(65507, _message.Length);
        Assert.Contains("65507", Assert.Throws<IpcException>(() => client.Send(new byte[65508])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("*")]
    public void What_udp_drops_is_counted_and_the_rest_arrives_in_order(string? allow)
    {
        var listener = (DatagramListener)_place.Listen("udp", new SocketListenOptions { AllowUsers = allow is null ? null : [allow] });
        var client = _place.Connect(listener);
        const int Sent = 30_000;
        for (var i = 0; i < Sent; i++) client.Send(BitConverter.GetBytes(i), default, Soon);
        var received = 0;
        var last = -1;
        try
        {
            while (listener.Receive(_message, default, Deadline.Immediate))
            {
                var number = BitConverter.ToInt32(_message.Payload.Span);
                Assert.True(number > last);
                last = number;
                received++;
            }
        }
        catch (IpcException e) when (e.Id == IpcErrors.Empty)
        {
            // All that was kept is received.
        }
        Assert.NotEqual(0, received);
        Assert.Equal(Sent, received + listener.Dropped);
    }

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("tcp")]
    public void A_full_connection_waits_until_the_deadline_or_not_at_all(string kind)
    {
        var (client, _) = _place.Pair(kind);
        var block = new byte[4000];
        var error = Assert.Throws<IpcException>(() =>
        {
            for (var i = 0; i < int.MaxValue; i++) client.Send(block, Framed, Deadline.Immediate);
        });
        Assert.True(error.Id == IpcErrors.Full || error.Id == IpcErrors.Closed, error.Message);
    }

    [Fact]
    public async Task A_full_datagram_queue_makes_the_sender_wait_and_loses_nothing()
    {
        var listener = _place.Listen("datagram");
        var client = _place.Connect(listener);
        var sent = 0;
        var full = Assert.Throws<IpcException>(() =>
        {
            for (; sent < int.MaxValue; sent++) client.Send(BitConverter.GetBytes(sent), default, Deadline.Immediate);
        });
        Assert.Equal(IpcErrors.Full, full.Id);
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() => client.Send("x"u8, default,
            Deadline.After(TimeSpan.FromMilliseconds(20)))).Id);
        var sending = Task.Run(() =>
        {
            for (; sent < 10_000; sent++) client.Send(BitConverter.GetBytes(sent), default, Soon);
        });
        for (var i = 0; i < 10_000; i++)
        {
            Assert.True(listener.Receive(_message, default, Soon));
            Assert.Equal(i, BitConverter.ToInt32(_message.Payload.Span));
        }
        await sending;
    }

    [Fact]
    public async Task An_answer_to_a_client_whose_queue_is_full_waits()
    {
        var listener = _place.Listen("datagram");
        var client = _place.Connect(listener);
        client.Send("hello"u8);
        Assert.True(listener.Receive(_message, default, Soon));
        var back = _message.ReplyChannel!;
        var sent = 0;
        Assert.Throws<IpcException>(() =>
        {
            for (; sent < int.MaxValue; sent++) back.Send(BitConverter.GetBytes(sent), default, Deadline.Immediate);
        });
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() => back.Send("x"u8, default,
            Deadline.After(TimeSpan.FromMilliseconds(20)))).Id);
        using var stop = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => back.Send("x"u8, default, stop.Token));
        var sending = Task.Run(() =>
        {
            for (; sent < 1000; sent++) back.Send(BitConverter.GetBytes(sent), default, Soon);
        });
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(client.Receive(_message, default, Soon));
            Assert.Equal(i, BitConverter.ToInt32(_message.Payload.Span));
        }
        await sending;
    }

    [Fact]
    public void A_datagram_client_finds_a_server_that_was_started_anew()
    {
        var listener = IpcSocket.Listen(_place.Address("datagram"));
        var client = _place.Connect(listener);
        client.Send("one"u8);
        listener.Dispose();
        Assert.Equal(IpcErrors.PeerClosed, Assert.Throws<IpcException>(() => client.Send("lost"u8)).Id);
        var again = _place.Listen("datagram");
        client.Send("two"u8);
        Assert.Equal("two", ReceiveText(again));
    }

    [Theory]
    [MemberData(nameof(SocketPlace.All), MemberType = typeof(SocketPlace))]
    public void Closing_and_cancelling_end_a_wait_on_another_thread(string kind)
    {
        var listener = _place.Listen(kind);
        var client = _place.Connect(listener);
        foreach (var channel in new[] { client, listener })
        {
            using var cancel = new CancellationTokenSource(20);
            Assert.Throws<OperationCanceledException>(() => channel.Receive(_message, default, cancel.Token));
            Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => channel.Receive(_message, default, Deadline.Immediate)).Id);
            using var waiting = new ManualResetEventSlim();
            var receive = Task.Run(() =>
            {
                waiting.Set();
                channel.Receive(new MessageBuffer());
            });
            waiting.Wait();
            channel.Dispose();
            Assert.Equal(IpcErrors.Closed, Assert.ThrowsAny<IpcException>(receive.GetAwaiter().GetResult).Id);
        }
    }

    [Fact]
    public void Options_that_a_socket_lacks_are_refused_and_not_ignored()
    {
        foreach (var kind in new[] { "stream", "seqpacket" })
        {
            var (client, server) = _place.Pair(kind);
            Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => client.Send("x"u8, new SendOptions { Type = 1 })).Id);
            Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => client.Send("x"u8,
                new SendOptions { Priority = 1 })).Id);
            Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => server.Receive(_message,
                new ReceiveOptions { Type = 1 })).Id);
        }
    }

    [Fact]
    public void Buffers_are_as_large_as_was_asked_or_the_limit_is_named()
    {
        var (client, _) = _place.Pair("stream");
        var stream = (StreamSocket)client;
        stream.SendBufferSize = 100_000;
        Assert.True(stream.SendBufferSize >= 100_000);
        var error = Assert.Throws<IpcException>(() => stream.SendBufferSize = int.MaxValue / 2);
        Assert.Equal(IpcErrors.LimitReached, error.Id);
        Assert.Contains("net.core.wmem_max", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Bytes(int size) => Enumerable.Range(0, size).Select(static i => (byte)(i * 31)).ToArray();

    private string ReceiveText(IpcChannel channel)
    {
        Assert.True(channel.Receive(_message, default, Soon));
        return Encoding.UTF8.GetString(_message.Payload.Span);
    }
}
