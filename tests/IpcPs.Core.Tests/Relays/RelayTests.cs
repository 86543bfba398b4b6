using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Relays;
using IpcPs.Sockets;
using IpcPs.Tests.Peers;
using IpcPs.Tests.Queues;
using IpcPs.Tests.Sockets;
using Xunit;

namespace IpcPs.Tests.Relays;

[Collection(nameof(QueueTests))]
public sealed class RelayTests : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };
    private static readonly SendOptions Bytes = new() { Format = IpcFormat.Bytes };

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public static TheoryData<string, string> Pairs
    {
        get
        {
            var pairs = new TheoryData<string, string>();
            foreach (var from in RelayEnds.Kinds)
            {
                foreach (var to in RelayEnds.Kinds) pairs.Add(from, to);
            }
            return pairs;
        }
    }

    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));

    public void Dispose() => _place.Dispose();

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Every_mechanism_is_relayed_to_every_other_one(string from, string to)
    {
        using var source = new RelayEnds(from);
        using var target = new RelayEnds(to);
        // The last one is larger than a queue's message: there it travels through shared memory.
        var sent = new[] { 0, 1, 150, 20_000 }.Select(static n => Enumerable.Range(0, n).Select(static i => (byte)i).ToArray()).ToArray();
        using var relay = new IpcRelay(source.Receiver, target.Sender);
        relay.Start();
        foreach (var payload in sent) source.Sender.Send(payload, Objects with { CorrelationId = 7 }, Soon);
        foreach (var payload in sent)
        {
            Assert.True(target.Receiver.Receive(_message, default, Soon));
            Assert.Equal(payload, _message.Payload.ToArray());
            Assert.Equal((IpcFormat.Object, 7UL), (_message.Format, _message.CorrelationId));
        }
        relay.Stop();
        Assert.True(relay.WaitForEnd(Soon));
        Assert.Equal(RelayEnd.Stopped, relay.Result.EndedBy);
        // On a pipe a long message comes in fragments, which no socket takes: the relay puts it together.
        var isPutTogether = from is "pipe" or "fifo" && to is not ("pipe" or "fifo");
        var isRaw = source.Receiver.IsByteStream && target.Sender.IsByteStream && !isPutTogether;
        Assert.Equal(isRaw ? null : sent.Length, relay.Result.Messages);
        // A stopped relay leaves both sides as they are.
        Assert.False(source.Receiver.IsClosed || target.Sender.IsClosed);
    }

    [Theory]
    [InlineData("pipe", "stream")]
    [InlineData("stream", "pipe")]
    [InlineData("stream", "stream")]
    [InlineData("tcp", "stream")]
    [InlineData("fifo", "fifo")]
    [InlineData("seqpacket", "ring")]
    [InlineData("ring", "tcp")]
    public async Task The_end_of_the_source_reaches_the_receiver_after_everything_else(string from, string to)
    {
        using var source = new RelayEnds(from);
        using var target = new RelayEnds(to);
        // More than the kernel keeps for either: the sender waits for the receiver.
        var piece = new byte[100_000];
        Random.Shared.NextBytes(piece);
        var sending = Task.Run(() =>
        {
            for (var i = 0; i < 20; i++) source.Sender.Send(piece, Objects, Soon);
            source.Sender.CompleteSending();
        });
        using var relay = new IpcRelay(source.Receiver, target.Sender);
        relay.Start();
        for (var i = 0; i < 20; i++)
        {
            Assert.True(target.Receiver.Receive(_message, default, Soon));
            Assert.Equal(piece, _message.Payload.ToArray());
        }
        Assert.False(target.Receiver.Receive(_message, default, Soon));
        Assert.True(relay.WaitForEnd(Soon));
        await sending;
        var result = relay.Result;
        Assert.Equal((RelayEnd.From, null, 0L), (result.EndedBy, result.Reason, result.Failed));
        Assert.True(result.Bytes >= 2_000_000);
    }

    [Theory]
    [InlineData("pipe", "stream")]
    [InlineData("stream", "pipe")]
    [InlineData("mq", "seqpacket")]
    [InlineData("ring", "fifo")]
    public void A_receiver_that_goes_away_ends_an_idle_relay_and_its_source(string from, string to)
    {
        using var source = new RelayEnds(from);
        using var target = new RelayEnds(to);
        using var relay = new IpcRelay(source.Receiver, target.Sender);
        relay.Start();
        target.Receiver.Dispose();
        Assert.True(relay.WaitForEnd(Soon));
        Assert.Equal(RelayEnd.To, relay.Result.EndedBy);
        Assert.True(source.Receiver.IsClosed);
    }

    [Fact]
    public void A_connection_is_relayed_in_both_directions_each_with_its_own_end()
    {
        var (client, front) = _place.Pair("tcp");
        var (back, server) = _place.Pair("stream");
        using var relay = new IpcRelay(front, back, new RelayOptions { Duplex = true });
        relay.Start();
        client.Send("question"u8, Text);
        client.CompleteSending();
        Assert.True(server.Receive(_message, default, Soon));
        Assert.False(server.Receive(_message, default, Soon));
        server.Send("answer"u8, Text);
        server.Dispose();
        Assert.True(client.Receive(_message, default, Soon));
        Assert.Equal("answer", Encoding.UTF8.GetString(_message.Payload.Span));
        Assert.False(client.Receive(_message, default, Soon));
        Assert.True(relay.WaitForEnd(Soon));
        Assert.Equal((9L, 7L, RelayEnd.From), (relay.Result.Bytes, relay.Result.BytesBack, relay.Result.EndedBy));
    }

    [Fact]
    public async Task Requests_and_replies_pass_between_message_transports()
    {
        var (client, front) = _place.Pair("seqpacket");
        var (back, server) = _place.Pair("tcp");
        using var relay = new IpcRelay(front, back, new RelayOptions { Duplex = true });
        relay.Start();
        var serving = Task.Run(() =>
        {
            var request = new MessageBuffer();
            server.Receive(request, default, Soon);
            server.Send("reply"u8, Text with { CorrelationId = request.CorrelationId, IsReply = true });
        });
        client.Request("request"u8, _message, Text, Soon);
        Assert.Equal("reply", Encoding.UTF8.GetString(_message.Payload.Span));
        await serving;
    }

    [Fact]
    public void Lines_become_messages_and_messages_become_lines()
    {
        using var pipe = new RelayEnds("pipe");
        using var queue = new RelayEnds("mq");
        pipe.Sender.Send("one\ntwo\r\n\nlast without an end"u8, Bytes);
        pipe.Sender.CompleteSending();
        using (var relay = new IpcRelay(pipe.Receiver, queue.Sender, new RelayOptions { From = new(IpcFormat.Text, IpcDelimiter.CrLf) }))
        {
            relay.Start();
            Assert.True(relay.WaitForEnd(Soon));
            Assert.Equal((4L, RelayEnd.From), (relay.Result.Messages, relay.Result.EndedBy));
        }
        using var second = new RelayEnds("stream");
        var options = new RelayOptions { To = new(IpcFormat.Text, IpcDelimiter.Nul), Count = 4 };
        using (var relay = new IpcRelay(queue.Receiver, second.Sender, options))
        {
            relay.Start();
            Assert.True(relay.WaitForEnd(Soon));
            Assert.Equal(RelayEnd.Count, relay.Result.EndedBy);
        }
        second.Sender.CompleteSending();
        var all = new MemoryStream();
        while (second.Receiver.Receive(_message, new() { Format = IpcFormat.Bytes }, Soon)) all.Write(_message.Payload.Span);
        Assert.Equal("one\0two\0\0last without an end\0", Encoding.UTF8.GetString(all.ToArray()));
    }

    [Fact]
    public void A_message_without_an_envelope_arrives_on_a_stream_as_what_it_was()
    {
        using var queue = new RelayEnds("sysvmq");
        using var stream = new RelayEnds("stream");
        using var relay = new IpcRelay(queue.Receiver, stream.Sender);
        relay.Start();
        byte[][] sent = [[.. "a line"u8], [.. "two\nlines"u8], [0xC1, 0xFF, 10, 0]];
        foreach (var one in sent) queue.Sender.Send(one, Bytes);
        foreach (var one in sent)
        {
            Assert.True(stream.Receiver.Receive(_message, default, Soon));
            Assert.Equal(one, _message.Payload.ToArray());
        }
    }

    [Fact]
    public void Types_and_priorities_are_carried_on()
    {
        using var firstPosix = new RelayEnds("mq");
        using var secondPosix = new RelayEnds("mq");
        firstPosix.Sender.Send("urgent"u8, Text with { Priority = 9 });
        Move(firstPosix, secondPosix);
        Assert.Equal(9, _message.Priority);
        using var firstSysV = new RelayEnds("sysvmq");
        using var secondSysV = new RelayEnds("sysvmq");
        firstSysV.Sender.Send("typed"u8, Text with { Type = 5 });
        Move(firstSysV, secondSysV);
        Assert.Equal(5, _message.Type);

        void Move(RelayEnds from, RelayEnds to)
        {
            using var relay = new IpcRelay(from.Receiver, to.Sender, new RelayOptions { Count = 1 });
            relay.Start();
            Assert.True(to.Receiver.Receive(_message, default, Soon));
        }
    }

    [Theory]
    [InlineData("stream", "stream")]
    [InlineData("seqpacket", "stream")]
    [InlineData("stream", "seqpacket")]
    public void Descriptors_are_carried_on(string from, string to)
    {
        using var source = new RelayEnds(from);
        using var target = new RelayEnds(to);
        using var pipe = AnonymousPipe.Create();
        using var relay = new IpcRelay(source.Receiver, target.Sender);
        relay.Start();
        var framed = new SendOptions { Format = IpcFormat.Text, Framed = true };
        source.Sender.Send("without"u8, framed);
        source.Sender.Send("with"u8, framed with { Handles = [pipe.Writer.Writer!] });
        source.Sender.Send("without too"u8, framed);
        var handles = 0;
        for (var i = 0; i < 3; i++)
        {
            Assert.True(target.Receiver.Receive(_message, default, Soon));
            handles += _message.Handles?.Count ?? 0;
            if (i == 0) Assert.Null(_message.Handles);
        }
        Assert.Equal(1, handles);
    }

    [Fact]
    public void A_message_that_the_target_cannot_carry_is_reported_and_the_next_ones_pass()
    {
        using var source = new RelayEnds("stream");
        using var queue = new RelayEnds("mq");
        using var relay = new IpcRelay(source.Receiver, queue.Sender);
        relay.Start();
        source.Sender.Send(new byte[1000], Bytes with { Framed = true });
        source.Sender.Send("fits"u8, Text);
        Assert.True(queue.Receiver.Receive(_message, default, Soon));
        Assert.Equal("fits", Encoding.UTF8.GetString(_message.Payload.Span));
        Assert.True(relay.TryTakeFailure(out var failure));
        Assert.Equal(IpcErrors.MessageTooLarge, failure!.Id);
        Assert.Equal(1, relay.Result.Failed);
    }

    [Fact]
    public void A_message_that_could_not_be_sent_on_is_back_in_its_queue()
    {
        using var source = new RelayEnds("mq");
        using var target = TestQueue.Posix(1, 200);
        target.Queue.Send("it is full"u8, Text);
        source.Sender.Send("keep me"u8, Text with { Priority = 3 });
        using var opened = (IpcChannel)IpcMechanisms.Open(source.Sender.Address, new OpenOptions { Access = IpcAccess.Read });
        using (var relay = new IpcRelay(opened, target.Queue))
        {
            relay.Start();
            Assert.True(SpinWait.SpinUntil(() => ((PosixQueue)source.Sender).CurrentMessages == 0, 60_000));
            relay.Stop();
            Assert.True(relay.WaitForEnd(Soon));
        }
        opened.Dispose();
        Assert.True(source.Receiver.Receive(_message, default, Soon));
        Assert.Equal(("keep me", 3), (Encoding.UTF8.GetString(_message.Payload.Span), _message.Priority));
    }

    [Fact]
    public void Idleness_has_a_limit_which_either_direction_extends()
    {
        using var source = new RelayEnds("pipe");
        using var target = new RelayEnds("pipe");
        using var relay = new IpcRelay(source.Receiver, target.Sender, new RelayOptions { IdleTimeout = TimeSpan.FromMilliseconds(200) });
        source.Sender.Send("one"u8, Text);
        relay.Start();
        Assert.True(relay.WaitForEnd(Soon));
        Assert.Equal((4L, RelayEnd.Timeout, IpcErrors.Timeout), (relay.Result.Bytes, relay.Result.EndedBy, relay.Error!.Id));
    }

    [Fact]
    public void What_was_read_ahead_is_relayed_first()
    {
        using var source = new RelayEnds("stream");
        using var target = new RelayEnds("pipe");
        source.Sender.Send("first\nsecond\n"u8, Bytes);
        Assert.True(source.Receiver.Receive(_message, default, Soon));
        using var relay = new IpcRelay(source.Receiver, target.Sender);
        relay.Start();
        source.Sender.Send("third"u8, Text);
        foreach (var expected in new[] { "second", "third" })
        {
            Assert.True(target.Receiver.Receive(_message, default, Soon));
            Assert.Equal(expected, Encoding.UTF8.GetString(_message.Payload.Span));
        }
    }

    [Fact]
    public void What_would_make_no_sense_is_refused()
    {
        using var queue = new RelayEnds("mq");
        using var stream = new RelayEnds("stream");
        Fails(IpcErrors.InvalidArgument, queue.Receiver, queue.Sender);
        Fails(IpcErrors.NotSupported, stream.Receiver, queue.Sender, new RelayOptions { Duplex = true });
        Fails(IpcErrors.NotSupported, stream.Receiver, _place.Listen("stream"));
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(
            () => new IpcRelay(stream.Receiver, queue.Sender, new RelayOptions { Count = 0 })).Id);

        void Fails(IpcErrorId id, IpcChannel from, IpcChannel to, RelayOptions? options = null)
        {
            using var relay = new IpcRelay(from, to, options);
            relay.Start();
            Assert.True(relay.WaitForEnd(Soon));
            Assert.Equal((RelayEnd.Failed, id), (relay.Result.EndedBy, relay.Error!.Id));
        }
    }

    [Needs("socat", "python3")]
    public void Programs_in_other_languages_are_on_both_sides_and_a_killed_one_ends_the_relay()
    {
        var listener = (IpcPs.Sockets.Server.SocketListener)_place.Listen("tcp");
        using var sender = Peer.Start("socat", ["-u", "-", $"TCP:{listener.Address.Text["tcp:".Length..]}"]);
        var front = _place.Keep(listener.Accept(Soon));
        using var receiver = Peer.StartPython($"""
            import socket
            s = socket.socket(socket.AF_UNIX)
            s.bind('{_place.Folder}/py')
            s.listen()
            print('ready', flush=True)
            c = s.accept()[0]
            for line in c.makefile(): print(line, end='', flush=True)
            """);
        Assert.Equal("ready", receiver.ReadLine());
        var back = _place.Keep(IpcSocket.Connect(IpcAddress.Parse($"unix:{_place.Folder}/py")));
        using var relay = new IpcRelay(front, back);
        relay.Start();
        sender.Input.WriteLine("from socat to python");
        sender.Input.Flush();
        Assert.Equal("from socat to python", receiver.ReadLine());
        receiver.Kill();
        Assert.True(relay.WaitForEnd(Soon));
        Assert.Equal(RelayEnd.To, relay.Result.EndedBy);
        Assert.True(front.IsClosed);
    }
}
