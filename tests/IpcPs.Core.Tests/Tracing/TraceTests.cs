using System.Net;
using System.Text;
using System.Text.Json;
using IpcPs.Inventory;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Relays;
using IpcPs.Rings;
using IpcPs.Serialization;
using IpcPs.Tests.Peers;
using IpcPs.Tests.Queues;
using IpcPs.Tests.Relays;
using IpcPs.Tests.Sockets;
using IpcPs.Tracing;
using Xunit;

namespace IpcPs.Tests.Tracing;

[Collection(nameof(QueueTests))]
public sealed class TraceTests : IDisposable
{
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };
    private static readonly SendOptions Bytes = new() { Format = IpcFormat.Bytes };
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public static TheoryData<RingDelivery> Deliveries => [RingDelivery.Queue, RingDelivery.BroadcastHold, RingDelivery.BroadcastDropOldest];

    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));

    public void Dispose() => _place.Dispose();

    [Theory]
    [MemberData(nameof(Deliveries))]
    public void A_ring_is_traced_without_its_readers_and_writers_noticing(RingDelivery delivery)
    {
        var address = IpcAddress.Parse($"ring:/test-{Guid.NewGuid():N}");
        using var writer = _place.Keep(MessageRing.Create(address, new RingOptions { Capacity = 64 * 1024, Delivery = delivery }));
        using var reader = _place.Keep(MessageRing.Open(address, IpcAccess.Read));
        using var trace = IpcTrace.Open(address, null);
        writer.Send("before anybody reads"u8, Text);
        Assert.Equal(("->", 20L, IpcFormat.Text, "before anybody reads"), Describe(trace.Read(Soon)!));
        Assert.True(reader.Receive(_message, default, Soon));
        writer.Send("after it was received"u8, Text);
        Assert.True(reader.Receive(_message, default, Soon));
        Assert.Equal("after it was received", trace.Read(Soon)!.Preview);
        // Several times round the ring, with a reader that keeps pace and a trace that does not.
        for (var i = 0; i < 100; i++)
        {
            writer.Send(new byte[10_000], Bytes, Soon);
            Assert.True(reader.Receive(_message, default, Soon));
        }
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() => trace.Read(Deadline.After(TimeSpan.Zero))).Id);
        Assert.Equal(1, trace.Lost);
        writer.Send("goes on"u8, Text);
        Assert.Equal("goes on", trace.Read(Soon)!.Preview);
    }

    [Fact]
    public void A_System_V_queue_shows_what_waits_and_what_comes_and_leaves_it_there()
    {
        using var queue = TestQueue.SysV();
        queue.Send("was there before");
        using var trace = IpcTrace.Open(queue.Address, queue.Queue);
        Assert.Equal("was there before", trace.Read(Soon)!.Preview);
        queue.Send("first", new SendOptions { Type = 2 });
        var record = trace.Read(Soon)!;
        Assert.Equal(("->", 5L, IpcFormat.Text, "first"), Describe(record));
        Assert.Equal(Environment.ProcessId, record.Sender);
        queue.Send("second");
        queue.Send("third");
        Assert.Equal("first", queue.Receive(new ReceiveOptions { Type = 2 }));
        Assert.Equal(["second", "third"], [trace.Read(Soon)!.Preview, trace.Read(Soon)!.Preview]);
        Assert.Equal(3, queue.CurrentMessages);
        queue.Remove();
        Assert.Null(trace.Read(Soon));
    }

    [Theory]
    [InlineData("stream", "stream")]
    [InlineData("seqpacket", "mq")]
    public void A_relay_shows_what_it_moves_until_it_ends(string from, string to)
    {
        using var source = new RelayEnds(from);
        using var target = new RelayEnds(to);
        using var relay = new IpcRelay(source.Receiver, target.Sender);
        using var trace = IpcTrace.Open(relay.Address, relay);
        Assert.Equal(IpcErrors.InvalidOperation, Assert.Throws<IpcException>(() => IpcTrace.Open(relay.Address, relay)).Id);
        relay.Start();
        source.Sender.Send("one"u8, Text);
        Assert.True(target.Receiver.Receive(_message, default, Soon));
        var record = trace.Read(Soon)!;
        Assert.Equal(("->", Environment.ProcessId), (record.Direction, record.Sender ?? Environment.ProcessId));
        Assert.StartsWith("one", record.Preview, StringComparison.Ordinal);
        Assert.Equal(IpcErrors.Timeout,
            Assert.Throws<IpcException>(() => trace.Read(Deadline.After(TimeSpan.FromMilliseconds(10)))).Id);
        source.Sender.CompleteSending();
        Assert.Null(trace.Read(Soon));
    }

    [PacketTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    [InlineData("tcp6")]
    public async Task Loopback_sockets_show_both_directions_to_who_may_capture(string kind)
    {
        var listener = _place.Listen(kind);
        using var trace = IpcTrace.Open(listener.Address, listener);
        var client = _place.Connect(listener);
        var large = new byte[200_000];
        large.AsSpan().Fill((byte)'x');
        client.Send("the word is swordfish"u8, Bytes);
        Assert.True(listener.Receive(_message, new() { Format = IpcFormat.Bytes }, Soon));
        var record = trace.Read(Soon)!;
        Assert.Equal(("->", 21L, IpcFormat.Text, "the word is swordfish"), Describe(record));
        Assert.True(IPEndPoint.TryParse(record.Connection!, out var end) && IPAddress.IsLoopback(end.Address));
        _message.ReplyChannel!.Send("understood"u8, Bytes);
        Assert.Equal(("<-", 10L, IpcFormat.Text, "understood"), Describe(trace.Read(Soon)!));
        if (kind == "udp") return;
        // Longer than a segment: each byte once, in order.
        var draining = Task.Run(() =>
        {
            for (long left = large.Length; left > 0; left -= _message.Length)
                Assert.True(listener.Receive(_message, new() { Format = IpcFormat.Bytes }, Soon));
        });
        client.Send(large, Bytes, Soon);
        for (long seen = 0; seen < large.Length;)
        {
            var segment = trace.Read(Soon)!;
            Assert.Equal("->", segment.Direction);
            seen += segment.Size;
            Assert.True(seen <= large.Length);
        }
        await draining;
    }

    [RootFact]
    public void A_capture_that_is_not_permitted_names_the_capability()
    {
        var assembly = typeof(DotnetPeer).Assembly.Location;
        var said = Peer.Run("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", "dotnet", "exec", assembly,
            "trace", "tcp:127.0.0.1:9");
        Assert.Equal("IpcAccessDenied PermissionDenied 'tcp:127.0.0.1:9' can't be traced: a capture on the loopback interface needs the "
            + "capability CAP_NET_RAW.", said);
    }

    private static (string, long, IpcFormat, string) Describe(IpcTraceRecord record) =>
        (record.Direction, record.Size, record.Format, record.Preview);

    /// <summary>Writes what a trace sees, or why it can't be made.</summary>
    internal static void Play(string address)
    {
        try
        {
            using var trace = IpcTrace.Open(IpcAddress.Parse(address), null);
            Console.WriteLine("ready");
            while (trace.Read(default) is { } record) Console.WriteLine(record.Preview);
        }
        catch (IpcException e)
        {
            Console.WriteLine($"{e.Id} {e.Id.Category} {e.Message}");
        }
    }

    [Fact]
    public void What_carries_no_messages_or_is_not_on_this_machine_cannot_be_traced()
    {
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcTrace.Open(IpcAddress.Parse("shm:/x"), null)).Id);
        var error = Assert.Throws<IpcException>(() => IpcTrace.Open(IpcAddress.Parse("nats://localhost/x"), null));
        Assert.Equal((IpcErrors.NotSupported, "'nats://localhost/x' can't be traced: its messages pass through a broker, which may be on "
            + "another machine."), (error.Id, error.Message));
    }

    [Fact]
    public void A_preview_is_short_printable_text_and_each_record_a_line_of_JSON()
    {
        using var queue = TestQueue.SysV();
        using var trace = IpcTrace.Open(queue.Address, queue.Queue);
        var encoder = new ObjectEncoder();
        (string Expected, Action Send)[] cases =
        [
            ("\\u{1b}[31mred\\n\\u{202e}\\\\", () => queue.Queue.Send("\e[31mred\n\u202e\\"u8, Text)),
            (new string('a', 100) + "...", () => queue.Queue.Send(Encoding.UTF8.GetBytes(new string('a', 500)), Text)),
            ("..\\.", () => queue.Queue.Send([0xFF, 0x00, (byte)'\\', 0xC1], Bytes)),
            ("{name=n, list=[1, 2]}", () => queue.Queue.Send(encoder.Encode(new { name = "n", list = new[] { 1, 2 } }).Span, Objects)),
            ("(in shared memory)", () => queue.Queue.Send(encoder.Encode(new byte[100_000]).Span, Objects)),
        ];
        foreach (var (expected, send) in cases)
        {
            send();
            var record = trace.Read(Soon)!;
            Assert.Equal(expected, record.Preview);
            var line = Encoding.UTF8.GetString(record.ToJsonLine());
            Assert.EndsWith("}\n", line, StringComparison.Ordinal);
            using var json = JsonDocument.Parse(line);
            Assert.Equal(["time", "direction", "sender", "receiver", "size", "format", "preview", "channel", "connection"],
                json.RootElement.EnumerateObject().Select(static p => p.Name));
            Assert.Equal(record.Preview, json.RootElement.GetProperty("preview").GetString());
        }
        Assert.True(queue.Queue.Receive(_message, new() { Type = 1 }, Soon));
        while (queue.CurrentMessages > 0) Assert.True(queue.Queue.Receive(_message, default, Soon));
        Assert.Equal(encoder.Encode(new byte[100_000]).Length, _message.Length);
    }
}

/// <summary>A theory that captures packets, and says so where that is not permitted.</summary>
internal sealed class PacketTheoryAttribute : TheoryAttribute
{
    public PacketTheoryAttribute()
    {
        if (IpcFeatures.Test("PacketCapture") is { IsAvailable: false } missing) Skip = missing.Detail;
    }
}
