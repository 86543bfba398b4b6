using System.Buffers.Binary;
using System.Text;
using IpcPs.Inventory;
using IpcPs.Linux;
using IpcPs.Mechanisms;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Sockets;
using Xunit;

namespace IpcPs.Tests.Queues;

[Collection(nameof(QueueTests))]
public class LargeMessageTests
{
    private static readonly SendOptions Object = new() { Format = IpcFormat.Object };

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void An_object_larger_than_the_limit_arrives_and_leaves_nothing_behind(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        var message = new MessageBuffer();
        // The first is one byte too large, with its envelope.
        foreach (var size in new[] { (int)queue.Queue.MaxMessageSize - 7, 100_000, 3_000_000 })
        {
            var sent = Bytes(size);
            queue.Queue.Send(sent, Object with { CorrelationId = 9 });
            var segment = Segment();
            Assert.Equal(queue.Address, LargeMessage.ChannelOf(segment));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode("/dev/shm" + segment));
            queue.Queue.Receive(message);
            Assert.Equal(sent, message.Payload.ToArray());
            Assert.Equal((IpcFormat.Object, 9ul), (message.Format, message.CorrelationId));
            Assert.Empty(Segments());
        }
    }

    [Fact]
    public void Text_and_bytes_that_do_not_fit_are_refused()
    {
        using var queue = TestQueue.Create(QueueFamily.Posix);
        foreach (var format in new[] { IpcFormat.Text, IpcFormat.Json, IpcFormat.Bytes })
            Assert.Equal(IpcErrors.MessageTooLarge,
                Assert.Throws<IpcException>(() => queue.Queue.Send(Bytes(101), new SendOptions { Format = format })).Id);
        Assert.Empty(Segments());
    }

    [Fact]
    public void Nothing_is_left_of_an_object_that_could_not_be_sent()
    {
        using var queue = TestQueue.Posix(1, 200);
        queue.Send("full");
        Assert.Equal(IpcErrors.QueueFull, Assert.Throws<IpcException>(() => queue.Queue.Send(Bytes(1000), Object, Deadline.Immediate)).Id);
        using var tiny = TestQueue.Posix(1, 20);
        Assert.Equal(IpcErrors.MessageTooLarge, Assert.Throws<IpcException>(() => tiny.Queue.Send(Bytes(1000), Object)).Id);
        Assert.Empty(Segments());
    }

    [Fact]
    public void A_peek_leaves_the_segment_for_the_receive()
    {
        using var queue = TestQueue.SysV(1000);
        var sent = Bytes(5000);
        queue.Queue.Send(sent, Object);
        var message = new MessageBuffer();
        for (var i = 0; i < 2; i++)
        {
            queue.Queue.Receive(message, new ReceiveOptions { Peek = true });
            Assert.Equal(sent, message.Payload.ToArray());
        }
        Assert.Single(Segments());
        queue.Queue.Receive(message);
        Assert.Equal(sent, message.Payload.ToArray());
        Assert.Empty(Segments());
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void A_message_that_waits_is_not_abandoned_and_one_that_nobody_can_receive_is(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        queue.Queue.Send(Bytes(5000), Object);
        var waiting = Segment();
        Assert.Equal((false, $"one of the 1 messages in '{queue.Address}' may refer to it"), LargeMessage.Evaluate(waiting));
        // As a program that knows nothing of references takes it.
        queue.Receive(new ReceiveOptions { Format = IpcFormat.Bytes });
        Assert.Equal((true, $"'{queue.Address}', whose message it contains, is empty"), LargeMessage.Evaluate(waiting));
        queue.Remove();
        Assert.Empty(Segments());
        // As a sender leaves it that found the queue just before its removal.
        waiting = Left(queue.Address);
        Assert.Equal((true, $"'{queue.Address}', whose message it contains, no longer exists"), LargeMessage.Evaluate(waiting));
        var listed = Assert.Single(IpcInventory.List([IpcScheme.Shm], all: false, out _), o => o.Address.Text == "shm:" + waiting);
        Assert.True(listed.IsStale, listed.Reason);
        IpcMechanisms.For(IpcScheme.Shm).Remove(listed.Address);
        Assert.Empty(Segments());
    }

    [Fact]
    public void A_queue_or_ring_that_goes_takes_its_large_messages_along()
    {
        using var other = TestQueue.Posix();
        var kept = Left(other.Address);
        var key = TestQueue.NewKey();
        using (SysVQueue.Create(key))
        {
            // Its sender opened it by its key, and it is removed by its id.
            using var byKey = SysVQueue.OpenExisting(IpcAddress.Parse($"sysvmq:{key}"));
            byKey.Send(Bytes(20_000), Object);
            SysVQueue.Remove(IpcAddress.Parse($"sysvmq:id={byKey.Id}"));
            Assert.Equal([kept], Segments());
        }
        foreach (var remove in new[] { false, true })
        {
            using var ring = MessageRing.Create(Ring(), new RingOptions { Capacity = 65536 });
            using var second = MessageRing.Open(ring.Address);
            ring.Send(Bytes(100_000), Object);
            ring.Send(Bytes(200_000), Object);
            ring.Dispose();
            if (remove) IpcMechanisms.For(IpcScheme.Ring).Remove(second.Address);
            // The other participant still receives.
            second.Receive(new MessageBuffer());
            Assert.Equal(2, Segments().Length);
            second.Dispose();
            Assert.Equal([kept], Segments());
        }
        var lasting = Ring();
        using (var ring = MessageRing.Create(lasting, new RingOptions { Capacity = 65536, Persist = true }))
            ring.Send(Bytes(100_000), Object);
        Assert.Equal(2, Segments().Length);
        IpcMechanisms.For(IpcScheme.Ring).Remove(lasting);
        Assert.Equal([kept], Segments());
        Libc.shm_unlink(kept);

        static IpcAddress Ring() => IpcAddress.Parse($"ring:ipcps-test-{Guid.NewGuid():N}");
    }

    [Theory]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    public void A_socket_that_is_closed_unread_takes_its_large_messages_along(string kind)
    {
        using var place = new SocketPlace();
        var listener = place.Listen(kind);
        var client = place.Connect(listener);
        var message = new MessageBuffer();
        client.Send("first"u8);
        client.Send([]);
        client.Send(Bytes(500_000), Object);
        client.Send(Bytes(600_000), Object);
        Assert.Equal(2, Segments().Length);
        listener.Receive(message);
        listener.Receive(message);
        Assert.Equal(0, message.Length);
        // The other direction too.
        listener.Receive(message);
        message.ReplyChannel!.Send(Bytes(700_000), Object);
        Assert.Equal(2, Segments().Length);
        client.Dispose();
        Assert.Single(Segments());
        listener.Dispose();
        Assert.Empty(Segments());
    }

    [Fact]
    public void Large_messages_that_were_received_in_advance_or_never_accepted_go_with_their_socket()
    {
        using var place = new SocketPlace();
        var (client, server) = place.Pair("seqpacket");
        // A receiver that finds a packet each time takes the next ones in advance.
        for (var i = 0; i < 8; i++) client.Send([1]);
        for (var i = 0; i < 3; i++) client.Send(Bytes(500_000), Object);
        for (var i = 0; i < 8; i++) server.Receive(new MessageBuffer());
        Assert.Equal(3, Segments().Length);
        server.Dispose();
        Assert.Empty(Segments());
        var listener = place.Listen("abstract-seqpacket");
        place.Connect(listener).Send(Bytes(500_000), Object);
        Assert.Single(Segments());
        listener.Dispose();
        Assert.Empty(Segments());
    }

    [Fact]
    public void What_another_process_may_receive_from_a_shared_socket_stays()
    {
        using var place = new SocketPlace();
        var (client, server) = place.Pair("seqpacket");
        client.Send(Bytes(500_000), Object);
        var copy = new SafeDescriptor(Libc.fcntl((SafeDescriptor)server.HandleToPass!, Libc.F_DUPFD_CLOEXEC, 0));
        using var shared = IpcSocket.Adopt(copy, null)!;
        server.Dispose();
        var message = new MessageBuffer();
        shared.Receive(message);
        Assert.Equal(500_000, message.Length);
        Assert.Empty(Segments());
    }

    [Fact]
    public void A_message_to_a_server_that_no_process_has_open_is_abandoned_while_its_sender_runs()
    {
        using var place = new SocketPlace();
        var address = place.Address("seqpacket");
        Assert.Equal((true, $"no process has '{address}' open, whose message it contains"), LargeMessage.Evaluate(Left(address, true)));
        Assert.Equal((false, $"its sender, process {Environment.ProcessId}, is running"), LargeMessage.Evaluate(Left(address)));
        var listener = (SocketListener)place.Listen("seqpacket");
        place.Connect(listener);
        var accepted = place.Keep(listener.Accept());
        listener.Dispose();
        // The listener removed what no process could receive. A connection that it accepted has its name.
        Assert.False(LargeMessage.Evaluate(Left(address, true)).Abandoned);
        accepted.Dispose();
        Assert.All(Segments(), static s => Libc.shm_unlink(s));
    }

    [Theory]
    [InlineData("/ipcps-large-1-0123456789abcdef", true)]
    [InlineData("/ipcps-large-2147483647-ffffffffffffffff", true)]
    [InlineData("ipcps-large-1-0123456789abcdef", false)]
    [InlineData("/ipcps-large-0-0123456789abcdef", false)]
    [InlineData("/ipcps-large-1-0123456789ABCDEF", false)]
    [InlineData("/ipcps-large-1-0123456789abcdef\n", false)]
    [InlineData("/ipcps-large-1-0123456789abcde", false)]
    [InlineData("/../etc/passwd", false)]
    [InlineData("/ipcps-large-1-../../../etc/pa", false)]
    public void Only_names_of_the_pattern_are_segments(string name, bool isName) => Assert.Equal(isName, LargeMessage.IsName(name));

    [Fact]
    public void A_hostile_reference_reads_and_removes_nothing()
    {
        using var queue = TestQueue.Posix(10, 200);
        using var victim = LargeMessage.Create("secret"u8, queue.Address);
        var honest = victim.Reference();
        // Another nonce than the segment has; other lengths; other names; cut short.
        Refused(queue, Changed(honest, static r => r[0] ^= 1), IpcErrors.InvalidData, "contains another message");
        Refused(queue, Changed(honest, static r => BinaryPrimitives.WriteInt64LittleEndian(r.AsSpan(16), 7)), IpcErrors.InvalidData,
            "another length");
        Refused(queue, Changed(honest, static r => BinaryPrimitives.WriteInt64LittleEndian(r.AsSpan(16), -1)), IpcErrors.MessageTooLarge,
            "claims -1 bytes");
        Refused(queue, Changed(honest, static r => BinaryPrimitives.WriteInt64LittleEndian(r.AsSpan(16), long.MaxValue)),
            IpcErrors.MessageTooLarge, "at most");
        Refused(queue, Changed(honest, static r => r[^1] = (byte)'/'), IpcErrors.InvalidData, "not one that IpcPs creates");
        Refused(queue, [.. honest.AsSpan(0, 24), .. "/../../etc/passwd"u8], IpcErrors.InvalidData, "not one that IpcPs creates");
        Refused(queue, honest[..20], IpcErrors.InvalidData, "not one that IpcPs creates");
        Refused(queue, Changed(honest, static r => r[^1] = r[^1] == (byte)'0' ? (byte)'1' : (byte)'0'), IpcErrors.InvalidData,
            "does not exist");
        Assert.Single(Segments());
    }

    [Fact]
    public void A_file_of_the_right_name_that_is_no_message_is_refused()
    {
        using var queue = TestQueue.Posix(10, 200);
        using var large = LargeMessage.Create(Bytes(100), queue.Address);
        var path = "/dev/shm" + large.Name;
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^1]);
        Refused(queue, large.Reference(), IpcErrors.InvalidData, "another length");
        File.WriteAllText(path, "something else");
        Refused(queue, large.Reference(), IpcErrors.InvalidData, "does not contain a message");
        File.Delete(path);
        File.CreateSymbolicLink(path, "/etc/passwd");
        Assert.ThrowsAny<IpcException>(() => Receive(queue, large.Reference()));
        Assert.True(File.Exists("/etc/passwd"));
    }

    private static void Refused(TestQueue queue, byte[] reference, IpcErrorId id, string why)
    {
        var error = Assert.Throws<IpcException>(() => Receive(queue, reference));
        Assert.Equal(id, error.Id);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private static void Receive(TestQueue queue, byte[] reference)
    {
        var packet = new byte[EnvelopeHeader.FixedSize + reference.Length];
        reference.CopyTo(packet,
            new EnvelopeHeader { Format = IpcFormat.Object, PayloadLength = reference.Length, IsReference = true }.Write(packet));
        queue.Queue.Send(packet);
        queue.Queue.Receive(new MessageBuffer());
    }

    private static byte[] Changed(byte[] reference, Action<byte[]> change)
    {
        var copy = (byte[])reference.Clone();
        change(copy);
        return copy;
    }

    private static byte[] Bytes(int size) => [.. Enumerable.Range(0, size).Select(static i => (byte)(i * 7))];

    /// <summary>A segment whose reference no channel has.</summary>
    private static string Left(IpcAddress address, bool toServer = false)
    {
        using var large = LargeMessage.Create(Bytes(5000), address, toServer);
        large.MarkDelivered();
        return large.Name;
    }

    private static string Segment() => Assert.Single(Segments());

    // This process's own: others may be under way elsewhere on the machine.
    private static string[] Segments() =>
        [.. Directory.GetFiles("/dev/shm", $"ipcps-large-{Environment.ProcessId}-*").Select(static f => "/" + Path.GetFileName(f))];
}
