using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Readiness;
using IpcPs.Rings.Algorithm;
using IpcPs.Rings;
using Xunit;

namespace IpcPs.Tests.Rings;

public sealed class RingTests : IDisposable
{
    private readonly IpcAddress _address = IpcAddress.Parse($"ring:/test-{Guid.NewGuid():N}");

    public static TheoryData<RingDelivery> Deliveries => [RingDelivery.Queue, RingDelivery.BroadcastHold, RingDelivery.BroadcastDropOldest];

    private string Path => RingFile.PathOf(_address);

    public void Dispose() => File.Delete(Path);

    [Theory]
    [MemberData(nameof(Deliveries))]
    public void Messages_of_every_size_arrive_whole_and_in_order(RingDelivery delivery)
    {
        using var writer = Create(delivery);
        using var reader = Open(IpcAccess.Read);
        var message = new MessageBuffer();
        foreach (var size in new[] { 0, 1, 7, 8, 9, 100, 1024, 1025, 5000, (int)writer.MaxMessageSize })
        {
            var sent = Enumerable.Range(0, size).Select(static i => (byte)(i * 7)).ToArray();
            // Round the ring several times, so that messages lie across its end at many places.
            for (var i = 0; i < 40; i++)
            {
                if (i % 2 == 0) writer.Send(sent);
                else
                {
                    writer.Enqueue(sent);
                    writer.Flush();
                }
                Assert.True(reader.Receive(message));
                Assert.Equal(sent, message.Payload.ToArray());
            }
        }
        var error = Assert.Throws<IpcException>(() => writer.Send(new byte[writer.MaxMessageSize + 1]));
        Assert.Equal(IpcErrors.MessageTooLarge, error.Id);
        Assert.Contains($"{writer.MaxMessageSize}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_envelope_travels_with_its_facts()
    {
        using var ring = Create();
        var message = new MessageBuffer();
        foreach (var enqueued in new[] { true, false })
        {
            var options = new SendOptions { Format = IpcFormat.Object, CorrelationId = 7, IsReply = true };
            if (enqueued) ring.Enqueue("x"u8, options);
            else ring.Send("x"u8, options);
            ring.Flush();
            Assert.True(ring.Receive(message));
            Assert.Equal((IpcFormat.Object, 7ul, true), (message.Format, message.CorrelationId, message.IsReply));
            Assert.Equal("x"u8.ToArray(), message.Payload.ToArray());
        }
    }

    [Fact]
    public void Each_message_of_a_queue_goes_to_one_reader()
    {
        using var writer = Create();
        using var one = Open(IpcAccess.Read);
        using var other = Open(IpcAccess.Read);
        for (var i = 0; i < 4; i++) writer.Send([(byte)i]);
        Assert.Equal([0, 1, 2, 3], new[] { one, other, other, one }.Select(static r => (int)Next(r)[0]));
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => one.Receive(new MessageBuffer(), default, Deadline.Immediate)).Id);
    }

    [Fact]
    public void Every_reader_of_a_broadcast_gets_every_message_since_it_came()
    {
        using var writer = Create(RingDelivery.BroadcastHold);
        writer.Send("before"u8);
        using var one = Open(IpcAccess.Read);
        writer.Send("between"u8);
        using var other = Open(IpcAccess.Read);
        writer.Send("after"u8);
        Assert.Equal(["between", "after"], new[] { Text(one), Text(one) });
        Assert.Equal("after", Text(other));
    }

    [Fact]
    public void A_slow_reader_of_a_broadcast_holds_the_writers_back_until_it_leaves()
    {
        using var writer = Create(RingDelivery.BroadcastHold);
        using var slow = Open(IpcAccess.Read);
        using var fast = Open(IpcAccess.Read);
        var block = new byte[1000];
        var sent = 0;
        var message = new MessageBuffer();
        var error = Assert.Throws<IpcException>(() =>
        {
            for (; sent < int.MaxValue; sent++)
            {
                writer.Send(block, default, Deadline.Immediate);
                fast.Receive(message);
            }
        });
        Assert.Equal(IpcErrors.Full, error.Id);
        Assert.InRange(sent, 60, 66);
        slow.Dispose();
        writer.Send(block, default, Deadline.Immediate);
    }

    [Fact]
    public void A_slow_reader_of_a_broadcast_that_drops_is_told_what_it_lost()
    {
        using var writer = Create(RingDelivery.BroadcastDropOldest);
        using var reader = Open(IpcAccess.Read);
        var message = new MessageBuffer();
        for (var i = 0; i < 1000; i++) writer.Send(BitConverter.GetBytes(i).Concat(new byte[1000]).ToArray());
        var expected = 0;
        while (expected < 1000)
        {
            Assert.True(reader.Receive(message));
            expected += (int)message.Lost;
            Assert.Equal(expected++, BitConverter.ToInt32(message.Payload.Span));
        }
        Assert.InRange(reader.LostMessages, 930, 960);
    }

    [Theory]
    [MemberData(nameof(Deliveries))]
    public async Task The_end_comes_once_when_the_last_writer_has_left_and_everything_is_received(RingDelivery delivery)
    {
        using var reader = Create(delivery);
        var message = new MessageBuffer();
        // No writer has been there yet: this waits.
        var first = Task.Run(() => reader.Receive(new MessageBuffer()));
        using (var writer = Open(IpcAccess.Write))
        {
            using var second = Open(IpcAccess.Write);
            second.CompleteSending();
            await Asleep(reader, RingLayout.DataSleepers);
            writer.Send("one"u8);
            Assert.True(await first);
            writer.Send("two"u8);
        }
        Assert.Equal("two", Text(reader));
        Assert.False(reader.Receive(message));
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => reader.Receive(message, default, Deadline.Immediate)).Id);
        using (var writer = Open(IpcAccess.Write)) writer.Send("three"u8);
        Assert.Equal("three", Text(reader));
        Assert.False(reader.Receive(message, default, Deadline.Immediate));
    }

    [Fact]
    public async Task The_end_wakes_who_waits_for_it()
    {
        using var reader = Create();
        var writer = Open(IpcAccess.Write);
        var end = Task.Run(() => reader.Receive(new MessageBuffer()));
        await Asleep(reader, RingLayout.DataSleepers);
        writer.Dispose();
        Assert.False(await end);
    }

    [Fact]
    public async Task A_writer_sleeps_while_a_queue_is_full_and_is_told_when_the_last_reader_leaves()
    {
        using var writer = Create();
        var reader = Open(IpcAccess.Read);
        var block = new byte[1000];
        Fill(writer, block);
        var send = Task.Run(() => writer.Send(block));
        await Asleep(writer, RingLayout.SpaceSleepers);
        Next(reader);
        await send;
        Fill(writer, block);
        send = Task.Run(() => writer.Send(block));
        await Asleep(writer, RingLayout.SpaceSleepers);
        reader.Dispose();
        Assert.Equal(IpcErrors.PeerClosed, (await Assert.ThrowsAsync<IpcException>(() => send)).Id);
    }

    [Fact]
    public async Task Waits_end_by_deadline_by_cancelling_and_by_closing()
    {
        using var ring = Create();
        var message = new MessageBuffer();
        var error = Assert.Throws<IpcException>(() => ring.Receive(message, default, Deadline.After(TimeSpan.FromMilliseconds(20))));
        Assert.Equal(IpcErrors.Timeout, error.Id);
        Assert.Contains("0.02 s", error.Message, StringComparison.Ordinal);
        using var cancel = new CancellationTokenSource();
        var wait = Task.Run(() => ring.Receive(new MessageBuffer(), default, cancel.Token));
        await Asleep(ring, RingLayout.DataSleepers);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        var block = new byte[1000];
        Fill(ring, block);
        error = Assert.Throws<IpcException>(() => ring.Send(block, default, Deadline.After(TimeSpan.FromMilliseconds(20))));
        Assert.Equal(IpcErrors.Timeout, error.Id);
        var send = Task.Run(() => ring.Send(block));
        await Asleep(ring, RingLayout.SpaceSleepers);
        ring.Dispose();
        Assert.Equal(IpcErrors.Closed, (await Assert.ThrowsAsync<IpcException>(() => send)).Id);
        Assert.Equal(IpcErrors.Closed, Assert.Throws<IpcException>(() => ring.Send(block)).Id);
    }

    [Fact]
    public void What_is_enqueued_and_does_not_fit_is_given_up_and_counted()
    {
        using var ring = Create();
        Fill(ring, new byte[1000]);
        for (var i = 0; i < 200; i++) ring.Enqueue("one"u8, default, Deadline.Immediate);
        var error = Assert.Throws<IpcException>(() => ring.Flush(Deadline.Immediate));
        Assert.Equal(IpcErrors.Full, error.Id);
        Assert.Matches("; [0-9]+ messages were not sent", error.Message);
        ring.Flush();
    }

    [Fact]
    public void A_look_leaves_the_message_where_it_is()
    {
        using var ring = Create();
        ring.Send("x"u8);
        var message = new MessageBuffer();
        for (var i = 0; i < 3; i++) Assert.True(ring.Receive(message, new ReceiveOptions { Peek = true }));
        Assert.Equal(16, ring.PendingBytes);
        Assert.Equal("x", Text(ring));
        Assert.Equal(0, ring.PendingBytes);
    }

    [Fact]
    public void The_last_one_out_leaves_no_file_unless_it_is_to_stay()
    {
        var ring = Create();
        var other = Open();
        ring.Dispose();
        Assert.True(File.Exists(Path));
        other.Dispose();
        Assert.False(File.Exists(Path));
        ring = MessageRing.Create(_address, new RingOptions { Persist = true });
        ring.Send("kept"u8);
        ring.Dispose();
        using (other = Open())
        {
            Assert.Equal("kept", Text(other));
            other.IsPersistent = false;
        }
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public async Task A_flush_of_another_thread_does_not_undo_the_end_of_sending()
    {
        var message = new MessageBuffer();
        for (var i = 0; i < 300; i++)
        {
            using var writer = Create();
            using var reader = Open(IpcAccess.Read);
            writer.Enqueue("x"u8);
            using var ready = new Barrier(2);
            var flushing = Task.Run(() =>
            {
                ready.SignalAndWait();
                try
                {
                    writer.Flush();
                }
                catch (IpcException e) when (e.Id == IpcErrors.NotSupported)
                {
                    // Sending has ended.
                }
            });
            ready.SignalAndWait();
            writer.Flush();
            writer.CompleteSending();
            await flushing;
            Assert.True(reader.Receive(message, default, Deadline.After(TimeSpan.FromSeconds(60))));
            Assert.False(reader.Receive(message, default, Deadline.After(TimeSpan.FromSeconds(60))));
        }
    }

    [Fact]
    public void What_is_removed_goes_on_for_those_who_have_it()
    {
        using var ring = Create();
        using var other = Open();
        Assert.Contains(_address, IpcMechanisms.For(IpcScheme.Ring).Known());
        IpcMechanisms.For(IpcScheme.Ring).Remove(_address);
        ring.Send("x"u8);
        Assert.Equal("x", Text(other));
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => Open()).Id);
        using var next = Create();
        ring.Dispose();
        other.Dispose();
        Assert.True(File.Exists(Path));
    }

    [Fact]
    public void A_name_is_given_once_and_its_mode_is_as_asked()
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        using var ring = MessageRing.Create(_address, new RingOptions { Mode = Mode, Capacity = 100_000 });
        Assert.Equal(0x1B0u, (uint)File.GetUnixFileMode(Path));
        Assert.Equal(128 * 1024, ring.Capacity);
        Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() => Create()).Id);
        var error = Assert.Throws<IpcException>(() => MessageRing.Create(_address, new RingOptions { Capacity = 0 }));
        Assert.Equal(IpcErrors.InvalidArgument, error.Id);
    }

    [Fact]
    public void Who_may_only_receive_does_not_send()
    {
        using var ring = Create();
        using var reader = Open(IpcAccess.Read);
        using var writer = Open(IpcAccess.Write);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => reader.Send("x"u8)).Id);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => writer.Receive(new MessageBuffer())).Id);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => writer.Send("x"u8, new SendOptions { Priority = 1 })).Id);
    }

    [Theory]
    [MemberData(nameof(Deliveries))]
    public async Task A_ring_is_waited_for_together_with_a_pipe(RingDelivery delivery)
    {
        using var ring = Create(delivery);
        using var reader = Open(IpcAccess.Read);
        using var pipe = AnonymousPipe.Create();
        using var first = reader.CreateWatch();
        using var second = pipe.CreateWatch();
        Assert.Equal(-1, ReadinessWaiter.UntilAny([first, second], out _, Deadline.Immediate));
        for (var i = 0; i < 20; i++)
        {
            var wait = Task.Run(() => ReadinessWaiter.UntilAny([second, first], out _, default));
            await Asleep(ring, RingLayout.DataSleepers);
            ring.Send("x"u8);
            Assert.Equal(1, await wait);
            // Until it is received it stays ready.
            Assert.Equal(0, ReadinessWaiter.UntilAny([first], out _, Deadline.Immediate));
            Assert.Equal("x", Text(reader));
            Assert.Equal(-1, ReadinessWaiter.UntilAny([first, second], out _, Deadline.Immediate));
        }
        var end = Task.Run(() => ReadinessWaiter.UntilAny([second, first], out _, default));
        ring.CompleteSending();
        Assert.Equal(1, await end);
        Assert.False(reader.Receive(new MessageBuffer()));
    }

    [Fact]
    public void Threads_share_an_end()
    {
        using var ring = Create();
        var received = new System.Collections.Concurrent.ConcurrentBag<int>();
        var readers = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            using var reader = Open(IpcAccess.Read);
            var message = new MessageBuffer();
            while (reader.Receive(message)) received.Add(BitConverter.ToInt32(message.Payload.Span));
        })).ToList();
        var writers = Enumerable.Range(0, 3).Select(t => new Thread(() =>
        {
            for (var i = 0; i < 5000; i++) ring.Enqueue(BitConverter.GetBytes((t * 10_000) + i));
            ring.Flush();
        })).ToList();
        readers.ForEach(static t => t.Start());
        writers.ForEach(static t => t.Start());
        writers.ForEach(static t => t.Join());
        ring.CompleteSending();
        readers.ForEach(static t => t.Join());
        Assert.Equal(Enumerable.Range(0, 3).SelectMany(static t => Enumerable.Range(t * 10_000, 5000)), received.Order());
    }

    private static void Fill(MessageRing ring, byte[] block)
    {
        try
        {
            while (true) ring.Send(block, default, Deadline.Immediate);
        }
        catch (IpcException e) when (e.Id == IpcErrors.Full)
        {
        }
    }

    private static byte[] Next(MessageRing ring)
    {
        var message = new MessageBuffer();
        Assert.True(ring.Receive(message));
        return message.Payload.ToArray();
    }

    private static string Text(MessageRing ring) => Encoding.UTF8.GetString(Next(ring));

    /// <summary>Until a thread has announced that it sleeps.</summary>
    private static async Task Asleep(MessageRing ring, int field)
    {
        while ((ring.Memory.ReadWord(field) & 1) == 0) await Task.Yield();
    }

    private MessageRing Create(RingDelivery delivery = RingDelivery.Queue) =>
        MessageRing.Create(_address, new RingOptions { Delivery = delivery, Capacity = 64 * 1024 });

    private MessageRing Open(IpcAccess access = IpcAccess.ReadWrite) => MessageRing.Open(_address, access);
}
