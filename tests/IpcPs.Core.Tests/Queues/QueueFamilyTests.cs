using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Queues;
using Xunit;

namespace IpcPs.Tests.Queues;

/// <summary>What holds for both families.</summary>
[Collection(nameof(QueueTests))]
public class QueueFamilyTests
{
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void Messages_arrive_whole_and_in_order(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        var message = new MessageBuffer();
        foreach (var size in new[] { 0, 1, 99, 100 })
        {
            var sent = Enumerable.Range(0, size).Select(static i => (byte)(i + 7)).ToArray();
            queue.Queue.Send(sent);
            Assert.True(queue.Queue.Receive(message));
            Assert.Equal(sent, message.Payload.ToArray());
            Assert.Equal(IpcFormat.Auto, message.Format);
        }
        for (var i = 0; i < 10; i++) queue.Send($"{i}");
        Assert.Equal(10, queue.CurrentMessages);
        for (var i = 0; i < 10; i++) Assert.Equal($"{i}", queue.Receive());
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void A_full_queue_waits_until_the_deadline_or_cancellation_or_not_at_all(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        var block = new byte[100];
        for (var i = 0; i < 10; i++) queue.Queue.Send(block);
        Assert.Equal(IpcErrors.QueueFull, Assert.Throws<IpcException>(() => queue.Queue.Send(block, Text, Deadline.Immediate)).Id);
        var error = Assert.Throws<IpcException>(() => queue.Queue.Send(block, Text, Deadline.After(TimeSpan.FromMilliseconds(20))));
        Assert.Equal(IpcErrors.Timeout, error.Id);
        Assert.Contains("0.02 s for buffer space", error.Message, StringComparison.Ordinal);
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => queue.Queue.Send(block, Text, cancel.Token));
        Assert.Equal(10, queue.CurrentMessages);
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void An_empty_queue_waits_likewise(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        var message = new MessageBuffer();
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => queue.Queue.Receive(message, default, Deadline.Immediate)).Id);
        Assert.Equal(IpcErrors.Timeout,
            Assert.Throws<IpcException>(() => queue.Queue.Receive(message, default, Deadline.After(TimeSpan.FromMilliseconds(20)))).Id);
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => queue.Queue.Receive(message, default, cancel.Token));
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void Removing_wakes_a_receiver_and_a_sender(QueueFamily family)
    {
        foreach (var sends in new[] { false, true })
        {
            using var queue = TestQueue.Create(family);
            using var other = queue.OpenAgain();
            if (sends)
            {
                for (var i = 0; i < 10; i++) queue.Queue.Send(new byte[100]);
            }
            using var waiting = new ManualResetEventSlim();
            var wait = Task.Run(() =>
            {
                waiting.Set();
                if (sends) other.Send(new byte[100]);
                else other.Receive(new MessageBuffer());
            });
            waiting.Wait();
            queue.Remove();
            Assert.Equal(IpcErrors.Removed, Assert.ThrowsAny<IpcException>(wait.GetAwaiter().GetResult).Id);
        }
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void A_removed_queue_takes_nothing_more(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        queue.Send("before");
        queue.Remove();
        var error = Assert.Throws<IpcException>(() => queue.Send("after"));
        Assert.Equal(IpcErrors.Removed, error.Id);
        Assert.Contains(queue.Address.Text, error.Message, StringComparison.Ordinal);
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => queue.OpenAgain()).Id);
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(queue.Remove).Id);
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void Closing_ends_a_wait_on_another_thread_and_leaves_the_queue(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        var other = queue.OpenAgain();
        using var waiting = new ManualResetEventSlim();
        var receive = Task.Run(() =>
        {
            waiting.Set();
            other.Receive(new MessageBuffer());
        });
        waiting.Wait();
        other.Dispose();
        Assert.Equal(IpcErrors.Closed, Assert.ThrowsAny<IpcException>(receive.GetAwaiter().GetResult).Id);
        Assert.Equal(IpcErrors.Closed, Assert.Throws<IpcException>(() => other.Send([])).Id);
        queue.Send("still there");
        Assert.Equal("still there", queue.Receive());
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void An_end_opened_for_one_direction_refuses_the_other(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        using var reader = queue.OpenAgain(IpcAccess.Read);
        using var writer = queue.OpenAgain(IpcAccess.Write);
        Assert.Equal((false, true, true, false), (reader.CanSend, reader.CanReceive, writer.CanSend, writer.CanReceive));
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => reader.Send([])).Id);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => writer.Receive(new MessageBuffer())).Id);
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void Text_that_does_not_fit_is_refused_with_the_limit(QueueFamily family)
    {
        using var queue = family == QueueFamily.Posix ? TestQueue.Posix(1, 100) : TestQueue.SysV(100);
        var error = Assert.Throws<IpcException>(() => queue.Queue.Send(new byte[101], Text));
        Assert.Equal(IpcErrors.MessageTooLarge, error.Id);
        Assert.Contains("101 bytes is larger than the 100", error.Message, StringComparison.Ordinal);
        Assert.Contains(family == QueueFamily.Posix ? "fs.mqueue.msgsize_max" : "kernel.msgmax", error.RecommendedAction,
            StringComparison.Ordinal);
        queue.Queue.Send(new byte[100], Text);
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void Bytes_that_look_like_an_envelope_and_are_none_are_bytes(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        byte[][] odd = [[0xC1], [0xC1, 1, 0, 1, 9, 0, 0, 0], [0xC1, 9], [0xC1, 1, 0xFF, 1, 0, 0, 0, 0]];
        var message = new MessageBuffer();
        foreach (var bytes in odd)
        {
            queue.Queue.Send(bytes, new SendOptions { Format = IpcFormat.Bytes });
            queue.Queue.Receive(message);
            Assert.Equal(bytes, message.Payload.ToArray());
        }
        queue.Queue.Send(odd[0]);
        Assert.Equal(IpcErrors.InvalidData,
            Assert.Throws<IpcException>(() => queue.Queue.Receive(message, new ReceiveOptions { Format = IpcFormat.Object })).Id);
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public async Task Waiting_for_a_queue_ends_when_somebody_makes_it(QueueFamily family)
    {
        var address = family == QueueFamily.Posix ? TestQueue.NewName() : IpcAddress.Parse($"sysvmq:{TestQueue.NewKey()}");
        var mechanism = IpcMechanisms.For(address.Scheme);
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => mechanism.WaitUntilExists(address, Deadline.Immediate)).Id);
        Assert.Equal(IpcErrors.Timeout,
            Assert.Throws<IpcException>(() => mechanism.WaitUntilExists(address, Deadline.After(TimeSpan.FromMilliseconds(20)))).Id);
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => mechanism.WaitUntilExists(address, cancel.Token));

        var wait = Task.Run(() => mechanism.WaitUntilExists(address, default));
        using MessageChannel queue = family == QueueFamily.Posix ? PosixQueue.Create(address, 1, 1) : SysVQueue.Create(address.Key);
        try
        {
            await wait;
            Assert.Contains(address, mechanism.Known());
            Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() =>
                family == QueueFamily.Posix ? PosixQueue.Create(address) : (object)SysVQueue.Create(address.Key)).Id);
        }
        finally
        {
            mechanism.Remove(address);
        }
    }

    [Theory]
    [InlineData(QueueFamily.Posix)]
    [InlineData(QueueFamily.SysV)]
    public void An_object_goes_in_its_envelope(QueueFamily family)
    {
        using var queue = TestQueue.Create(family);
        queue.Queue.Send("x"u8, new SendOptions { Format = IpcFormat.Object, CorrelationId = 7, IsReply = true });
        var message = new MessageBuffer();
        queue.Queue.Receive(message);
        Assert.Equal("x", Encoding.UTF8.GetString(message.Payload.Span));
        Assert.Equal((IpcFormat.Object, 7ul, true), (message.Format, message.CorrelationId, message.IsReply));
    }
}
