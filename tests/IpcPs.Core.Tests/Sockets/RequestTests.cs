using System.Text;
using IpcPs.Pipes;
using Xunit;

namespace IpcPs.Tests.Sockets;

public sealed class RequestTests : IDisposable
{
    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(120));
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public void Dispose() => _place.Dispose();

    [Theory]
    [MemberData(nameof(SocketPlace.All), MemberType = typeof(SocketPlace))]
    public async Task Many_requests_in_flight_on_one_connection_each_get_their_own_reply(string kind)
    {
        const int threads = 8, each = 200;
        var listener = _place.Listen(kind);
        var client = _place.Connect(listener);
        // Answers in another order than it was asked, and says other things between.
        var serving = Task.Run(() =>
        {
            var held = new List<(byte[] Payload, ulong Id)>();
            var message = new MessageBuffer();
            for (var answered = 0; answered < threads * each; answered += held.Count)
            {
                held.Clear();
                Assert.True(listener.Receive(message, default, Soon));
                var back = message.ReplyChannel!;
                do held.Add((message.Payload.ToArray(), message.CorrelationId));
                while (held.Count < 3 && TryReceive(listener, message));
                held.Reverse();
                foreach (var (payload, id) in held) back.Send(payload, new SendOptions { CorrelationId = id, IsReply = true }, Soon);
                if (answered == 0) back.Send("by the way"u8, Text, Soon);
            }
        });
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            var reply = new MessageBuffer();
            for (var i = 0; i < each; i++)
            {
                var payload = Encoding.UTF8.GetBytes($"{thread} {i}");
                client.Request(payload, reply, wait: Soon);
                Assert.Equal(payload, reply.Payload.ToArray());
                Assert.True(reply.IsReply);
            }
        })));
        await serving;
        Assert.True(client.Receive(_message, default, Soon));
        Assert.Equal("by the way"u8, _message.Payload.Span);
    }

    [Fact]
    public async Task Requests_of_several_threads_are_answered_while_another_thread_receives()
    {
        var (client, server) = _place.Pair("stream");
        var notices = Task.Run(() =>
        {
            var message = new MessageBuffer();
            var count = 0;
            // It waits before the first request is made, and goes on after.
            while (client.Receive(message, default, Soon))
            {
                Assert.False(message.IsReply);
                count++;
            }
            return count;
        });
        var serving = Task.Run(() =>
        {
            var message = new MessageBuffer();
            while (server.Receive(message, default, Soon))
            {
                server.Send("notice"u8, Text);
                server.Send(message.Payload.Span, new SendOptions { CorrelationId = message.CorrelationId, IsReply = true });
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            var reply = new MessageBuffer();
            for (var i = 0; i < 250; i++)
            {
                client.Request(BitConverter.GetBytes((thread * 1000) + i), reply, wait: Soon);
                Assert.Equal((thread * 1000) + i, BitConverter.ToInt32(reply.Payload.Span));
            }
        })));
        client.CompleteSending();
        await serving;
        server.Dispose();
        Assert.Equal(1000, await notices);
    }

    [Fact]
    public async Task A_reply_that_nobody_waits_for_any_more_is_dropped_and_other_messages_are_kept()
    {
        var (client, server) = _place.Pair("seqpacket");
        var error = Assert.Throws<IpcException>(() => client.Request("slow"u8, _message,
            wait: Deadline.After(TimeSpan.FromMilliseconds(20))));
        Assert.Equal(IpcErrors.Timeout, error.Id);
        Assert.Contains("reply", error.Message, StringComparison.Ordinal);
        Assert.True(server.Receive(_message, default, Soon));
        server.Send("one"u8, Text);
        server.Send("too late"u8, new SendOptions { CorrelationId = _message.CorrelationId, IsReply = true });
        server.Send("two"u8, Text);
        var answering = Task.Run(() =>
        {
            var message = new MessageBuffer();
            server.Receive(message, default, Soon);
            server.Send("in time"u8, new SendOptions { CorrelationId = message.CorrelationId, IsReply = true });
        });
        client.Request("quick"u8, _message, wait: Soon);
        Assert.Equal("in time"u8, _message.Payload.Span);
        Assert.True(client.Receive(_message, default, Soon));
        Assert.Equal("one"u8, _message.Payload.Span);
        Assert.True(client.Receive(_message, default, Soon));
        Assert.Equal("two"u8, _message.Payload.Span);
        Assert.Equal(1, client.Router!.LateReplies);
        await answering;
    }

    [Fact]
    public async Task A_request_ends_when_cancelled_and_when_the_other_side_closes()
    {
        var (client, server) = _place.Pair("stream");
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => client.Request("x"u8, _message, wait: cancel.Token));
        var waiting = Enumerable.Range(0, 3).Select(_ => Task.Run(() => client.Request("x"u8, new MessageBuffer(), wait: Soon))).ToArray();
        for (var i = 0; i < 4; i++) Assert.True(server.Receive(_message, default, Soon));
        server.Dispose();
        foreach (var request in waiting) Assert.Equal(IpcErrors.PeerClosed, (await Assert.ThrowsAsync<IpcException>(() => request)).Id);
    }

    [Fact]
    public async Task A_duplex_pipe_takes_requests_and_what_goes_one_way_refuses_them()
    {
        using var pipes = DuplexPipe.Create();
        var serving = Task.Run(() =>
        {
            var message = new MessageBuffer();
            Assert.True(pipes.Far.Receive(message, default, Soon));
            pipes.Far.Send(message.Payload.Span, new SendOptions { CorrelationId = message.CorrelationId, IsReply = true });
        });
        pipes.Near.Request("ping"u8, _message, wait: Soon);
        Assert.Equal("ping"u8, _message.Payload.Span);
        await serving;
        using var pipe = AnonymousPipe.Create();
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => pipe.Request("x"u8, _message)).Id);
        var listener = _place.Listen("stream");
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => listener.Request("x"u8, _message)).Id);
    }

    private static bool TryReceive(IpcChannel channel, MessageBuffer message)
    {
        try
        {
            return channel.Receive(message, default, Deadline.Immediate);
        }
        catch (IpcException e) when (e.Id == IpcErrors.Empty)
        {
            return false;
        }
    }
}
