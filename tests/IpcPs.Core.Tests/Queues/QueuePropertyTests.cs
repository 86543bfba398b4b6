using System.Buffers.Binary;
using CsCheck;
using Xunit;

namespace IpcPs.Tests.Queues;

/// <summary>Whatever is sent by several senders is received by several receivers whole, once and in order.</summary>
[Collection(nameof(QueueTests))]
public class QueuePropertyTests
{
    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void Messages_arrive_whole_once_and_in_order_within_their_priority_or_type(QueueFamily family)
    {
        var load = Gen.Select(Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 60], Gen.Int[1, 3], Gen.Int[0, 88],
            static (senders, receivers, each, classes, size) => (senders, receivers, each, classes, size));
        load.Sample(l =>
        {
            using var queue = TestQueue.Create(family);
            var senders = Enumerable.Range(0, l.senders).Select(s => Task.Factory.StartNew(() =>
            {
                for (var i = 0; i < l.each; i++)
                {
                    var kind = 1 + ((s + i) % l.classes);
                    queue.Queue.Send(Encode(s, kind, i, l.size),
                        family == QueueFamily.Posix ? new SendOptions { Priority = kind } : new SendOptions { Type = kind });
                }
            }, TaskCreationOptions.LongRunning)).ToArray();
            var left = l.senders * l.each;
            var received = Enumerable.Range(0, l.receivers).Select(_ => Task.Factory.StartNew(() =>
            {
                var mine = new List<(int Sender, int Class, int Number)>();
                var message = new MessageBuffer();
                while (Interlocked.Decrement(ref left) >= 0)
                {
                    queue.Queue.Receive(message, default, Deadline.After(TimeSpan.FromMinutes(1)));
                    mine.Add(Decode(message, family, l.size));
                }
                return mine;
            }, TaskCreationOptions.LongRunning)).ToArray();
            Task.WaitAll(senders);
            var all = received.SelectMany(static r => r.Result).ToList();
            Assert.Equal(l.senders * l.each, all.Distinct().Count());
            // Each receiver sees what one sender sent with one priority, or type, in the order in which it was sent.
            foreach (var mine in received)
            {
                foreach (var one in mine.Result.GroupBy(static m => (m.Sender, m.Class)))
                    Assert.Equal(one.Select(static m => m.Number).Order(), one.Select(static m => m.Number));
            }
            Assert.Equal(0, queue.CurrentMessages);
        }, iter: 40, threads: 1);
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void Any_bytes_come_out_as_they_went_in(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        var message = new MessageBuffer();
        Gen.Byte.Array[0, 100].Sample(bytes =>
        {
            queue.Queue.Send(bytes);
            queue.Queue.Receive(message, new ReceiveOptions { Format = IpcFormat.Bytes });
            return message.Payload.Span.SequenceEqual(bytes);
        }, iter: 1000, threads: 1);
    }

    private static byte[] Encode(int sender, int kind, int number, int size)
    {
        var bytes = new byte[12 + size];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, sender);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), kind);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), number);
        bytes.AsSpan(12).Fill((byte)number);
        return bytes;
    }

    private static (int Sender, int Class, int Number) Decode(MessageBuffer message, QueueFamily family, int size)
    {
        var bytes = message.Payload.Span;
        Assert.Equal(12 + size, bytes.Length);
        var kind = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        var number = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        Assert.Equal(-1, bytes[12..].IndexOfAnyExcept((byte)number));
        Assert.Equal(kind, family == QueueFamily.Posix ? message.Priority : (int?)message.Type);
        return (BinaryPrimitives.ReadInt32LittleEndian(bytes), kind, number);
    }
}
