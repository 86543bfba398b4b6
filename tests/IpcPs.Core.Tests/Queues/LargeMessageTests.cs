using System.Buffers.Binary;
using System.Text;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
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
        Assert.Equal((true, $"'{queue.Address}', whose message it contains, no longer exists"), LargeMessage.Evaluate(waiting));
        var listed = Assert.Single(IpcInventory.List([IpcScheme.Shm], all: false, out _), o => o.Address.Text == "shm:" + waiting);
        Assert.True(listed.IsStale, listed.Reason);
        IpcMechanisms.For(IpcScheme.Shm).Remove(listed.Address);
        Assert.Empty(Segments());
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

    private static string Segment() => Assert.Single(Segments());

    // This process's own: others may be under way elsewhere on the machine.
    private static string[] Segments() =>
        [.. Directory.GetFiles("/dev/shm", $"ipcps-large-{Environment.ProcessId}-*").Select(static f => "/" + Path.GetFileName(f))];
}
