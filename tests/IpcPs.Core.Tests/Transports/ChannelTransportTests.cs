using System.Globalization;
using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Queues;
using IpcPs.Transports;
using Xunit;

namespace IpcPs.Tests.Transports;

/// <summary>A job's input through a channel that exists, and that other programs use too.</summary>
[Collection(nameof(QueueTests))]
public sealed class ChannelTransportTests : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly string _name = $"ipcps-test-{Environment.ProcessId}-{Guid.NewGuid():N}";
    private IpcObject? _created;

    public static TheoryData<string> Kinds => ["mq", "sysvmq", "ring", "fifo", "pipe"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_the_writers_sent_is_received_with_the_others_messages_and_then_the_input_ends(string kind)
    {
        var channel = Create(kind);
        var factory = IpcMechanisms.Transport(channel.Address.Text);
        Assert.Equal((channel.Address.Text, false), (factory.Name, factory.IsPrivate));
        using (var transport = factory.Create())
        {
            // A writer that the parent does not know, and that stays.
            using var stranger = channel is AnonymousPipe ? channel : Open(IpcAccess.Write);
            using var reader = transport.OpenOwnReader(_limit.Token);
            var received = Task.Factory.StartNew(() => ReadAll(reader), TaskCreationOptions.LongRunning);
            stranger.Send("hello"u8, Text, Wait());
            var writer = transport.OpenWriter();
            for (var i = 0; i < 100; i++) writer.Send(Encoding.ASCII.GetBytes($"{i}"), Objects, Wait());
            writer.Send(new byte[2_000_000], Objects, Wait());
            // And one that another process opens.
            using (var second = factory.OpenWriter(transport.WriterConnectionString, _limit.Token)) second.Send("last"u8, Objects, Wait());
            transport.ReleaseWriters();
            reader.EndOfWriters(2);
            var numbers = Enumerable.Range(0, 100).Select(static i => $"{i} (Object)");
            Assert.Equal(["hello (Auto)", .. numbers, "2000000 bytes", "last (Object)"], await received);
        }
        if (channel is not AnonymousPipe) Open(IpcAccess.Default).Dispose();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Without_writers_the_input_ends_with_the_channel(string kind)
    {
        var channel = Create(kind);
        using var transport = new ChannelTransportFactory(channel.Address, channel, hasWriters: false).Create();
        using var reader = transport.OpenOwnReader(_limit.Token);
        var received = Task.Factory.StartNew(() => ReadAll(reader), TaskCreationOptions.LongRunning);
        using (var writer = channel is AnonymousPipe pipe ? pipe.Writer : Open(IpcAccess.Write))
        {
            writer.Send("one"u8, Text, Wait());
            writer.Send("two"u8, Objects, Wait());
            // A queue ends when it is removed. What is in a System V queue is lost then.
            SpinWait.SpinUntil(() => channel is not SysVQueue { CurrentMessages: > 0 }, TimeSpan.FromSeconds(60));
            if (channel is PosixQueue or SysVQueue) IpcMechanisms.For(channel.Address.Scheme).Remove(channel.Address);
        }
        Assert.Equal(["one (Auto)", "two (Object)"], await received);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_the_reader_has_not_received_stays(string kind)
    {
        var channel = Create(kind);
        var message = new MessageBuffer();
        using var transport = new ChannelTransportFactory(channel.Address).Create();
        using (var reader = transport.OpenOwnReader(_limit.Token))
        {
            transport.OpenWriter().Send("one"u8, Objects, Wait());
            Assert.True(reader.Receive(message));
            // After that, because the reader of a byte stream reads ahead.
            transport.OpenWriter().Send("two"u8, Objects, Wait());
        }
        using var other = channel is AnonymousPipe ? channel : Open(IpcAccess.Read);
        Assert.True(other.Receive(message, default, Wait()));
        Assert.Equal("two", Encoding.ASCII.GetString(message.Payload.Span));
    }

    [Fact]
    public async Task A_writer_waits_for_another_ones_long_line_but_not_for_a_reader_that_has_ended()
    {
        var channel = Create("fifo");
        var message = new MessageBuffer();
        var factory = new ChannelTransportFactory(channel.Address);
        using var transport = factory.Create();
        using (var reader = transport.OpenOwnReader(_limit.Token))
        {
            using var stranger = (NamedPipe)Open(IpcAccess.Write);
            var text = Encoding.ASCII.GetBytes(new string('x', 300_000));
            var line = Task.Factory.StartNew(() => stranger.Send(text, Text, Wait()), TaskCreationOptions.LongRunning);
            Assert.True(SpinWait.SpinUntil(() => stranger.PendingBytes > 0, TimeSpan.FromSeconds(60)));
            var opening = Task.Factory.StartNew(() => factory.OpenWriter("", _limit.Token), TaskCreationOptions.LongRunning);
            Assert.True(reader.Receive(message));
            await line;
            (await opening).Dispose();
        }
        Assert.Equal(IpcErrors.NoPeer, Assert.Throws<IpcException>(() => factory.OpenWriter("", _limit.Token)).Id);
    }

    [Fact]
    public void A_channel_that_cannot_carry_the_input_is_refused()
    {
        var free = IpcAddress.Parse("mq:/" + _name);
        Expect(IpcErrors.NotFound, free, "mq:/");
        Expect(IpcErrors.NotFound, free, "mq:/", hasWriters: false);
        Expect(IpcErrors.NotFound, IpcAddress.Parse("fifo:/tmp/" + _name), "fifo:/tmp");
        using (var memory = PosixSharedMemory.Create(IpcAddress.Parse("shm:/" + _name), 100))
        {
            Expect(IpcErrors.WrongKind, memory.Address, "carries no messages", hasWriters: false);
            IpcMechanisms.For(IpcScheme.Shm).Remove(memory.Address);
        }
        using var duplex = DuplexPipe.Create();
        Expect(IpcErrors.NotSupported, duplex.Near.Address, "goes to its peer, not to the job");
        Expect(IpcErrors.NotSupported, IpcAddress.Parse("unix:@x"), "goes to its peer, not to the job");
        Expect(IpcErrors.NotSupported, IpcAddress.Parse("udp:127.0.0.1:9"), "as a client that sends nothing", hasWriters: false);
        using var ring = MessageRing.Create(IpcAddress.Parse("ring:/" + _name), new RingOptions { Delivery = RingDelivery.BroadcastHold });
        Expect(IpcErrors.NotSupported, ring.Address, "is a broadcast");
    }

    [Fact]
    public void A_listener_is_passed_on_and_the_peer_of_an_address_is_received_from()
    {
        var address = IpcAddress.Parse("unix:@" + _name);
        var message = new MessageBuffer();
        using var listener = IpcSocket.Listen(address);
        using (var transport = new ChannelTransportFactory(address, listener, hasWriters: false).Create())
        {
            Assert.Single(transport.ReaderDescriptors);
            using var reader = transport.OpenOwnReader(_limit.Token);
            using var client = IpcSocket.Connect(address);
            client.Send("from a client"u8, Objects, Wait());
            Assert.True(reader.Receive(message));
        }
        Assert.False(listener.IsClosed);
        using (var transport = new ChannelTransportFactory(address, null, hasWriters: false).Create())
        {
            using var reader = transport.OpenOwnReader(_limit.Token);
            using (var accepted = ((SocketListener)listener).Accept(Wait())) accepted.Send("from the server"u8, Text, Wait());
            Assert.Equal(["from the server (Auto)"], ReadAll(reader));
        }
    }

    public void Dispose()
    {
        try
        {
            if (_created is not null and not AnonymousPipe) IpcMechanisms.For(_created.Address.Scheme).Remove(_created.Address);
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            // The test removed it, or it ended with its last user.
        }
        _created?.Dispose();
        _limit.Dispose();
    }

    private static void Expect(IpcErrorId id, IpcAddress address, string text, bool hasWriters = true)
    {
        var error = Assert.Throws<IpcException>(() => new ChannelTransportFactory(address, null, hasWriters).Create());
        Assert.Equal(id, error.Id);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
        Assert.Contains(address.Text, error.Message, StringComparison.Ordinal);
    }

    private static List<string> ReadAll(JobTransportReader reader)
    {
        var all = new List<string>();
        var message = new MessageBuffer();
        while (reader.Receive(message))
        {
            all.Add(message.Length < 100 ? $"{Encoding.ASCII.GetString(message.Payload.Span)} ({message.Format})"
                : string.Create(CultureInfo.InvariantCulture, $"{message.Length} bytes"));
        }
        return all;
    }

    private IpcChannel Create(string kind)
    {
        IpcChannel channel = kind switch
        {
            "mq" => PosixQueue.Create(IpcAddress.Parse("mq:/" + _name)),
            "sysvmq" => SysVQueue.Create(TestQueue.NewKey()),
            "ring" => MessageRing.Create(IpcAddress.Parse("ring:/" + _name)),
            "fifo" => NamedPipe.Create(IpcAddress.Parse("fifo:/tmp/" + _name)),
            _ => AnonymousPipe.Create(),
        };
        _created = channel;
        return channel;
    }

    private IpcChannel Open(IpcAccess access) =>
        (IpcChannel)IpcMechanisms.Open(_created!.Address, new OpenOptions { Access = access }, Wait());

    private WaitOptions Wait() => new(Deadline.Infinite, _limit.Token);
}
