using IpcPs.Mechanisms;
using IpcPs.Queues;
using IpcPs.Readiness;
using IpcPs.Signals;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Queues;

[Collection(nameof(QueueTests))]
public class PosixQueueTests
{
    [Fact]
    public void The_highest_priority_comes_first_and_order_holds_within_one()
    {
        using var queue = TestQueue.Posix(10, 100);
        var sent = new (string Text, int? Priority)[] { ("a", null), ("b", 0), ("c", 5), ("d", 32767), ("e", 5), ("f", 0) };
        foreach (var (text, priority) in sent) queue.Send(text, new SendOptions { Priority = priority });
        var message = new MessageBuffer();
        var got = new List<string>();
        for (var i = 0; i < sent.Length; i++)
        {
            queue.Queue.Receive(message);
            got.Add($"{(char)message.Payload.Span[0]}{message.Priority}");
        }
        Assert.Equal(["d32767", "c5", "e5", "a0", "b0", "f0"], got);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(32768)]
    public void A_priority_out_of_range_is_refused(int priority)
    {
        using var queue = TestQueue.Posix(1, 100);
        Assert.Equal(IpcErrors.InvalidArgument,
            Assert.Throws<IpcException>(() => queue.Send("x", new SendOptions { Priority = priority })).Id);
    }

    [Fact]
    public void Types_and_peeking_are_refused_with_what_has_them()
    {
        using var queue = TestQueue.Posix(1, 100);
        var error = Assert.Throws<IpcException>(() => queue.Send("x", new SendOptions { Type = 1 }));
        Assert.Equal(IpcErrors.NotSupported, error.Id);
        Assert.Equal("Send with a priority, or use a System V queue.", error.RecommendedAction);
        foreach (var options in new ReceiveOptions[] { new() { Type = 0 }, new() { Peek = true }, new() { ExceptType = true } })
            Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => queue.Receive(options)).Id);
    }

    [Fact]
    public void Its_facts_are_as_asked_whatever_the_umask()
    {
        var umask = Umask.Set(0x3F /* 077 */);
        try
        {
            using var queue = TestQueue.Posix(7, 33, UnixFileMode.UserRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead);
            var posix = (PosixQueue)queue.Queue;
            Assert.Equal((7L, 33L, 0L), (posix.MaxMessages, posix.MaxMessageSize, posix.CurrentMessages));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead, posix.Mode);
            Assert.Equal(Environment.UserName, posix.Owner);
            posix.Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, posix.Mode);
            posix.Owner = posix.Owner;
            posix.Group = posix.Group;
            Assert.False(posix.IsRemoved);
        }
        finally
        {
            _ = Umask.Set(umask);
        }
    }

    [Fact]
    public void What_a_removed_queue_holds_is_still_received()
    {
        using var queue = TestQueue.Posix(10, 100);
        queue.Send("one");
        queue.Send("two");
        queue.Remove();
        Assert.True(((PosixQueue)queue.Queue).IsRemoved);
        Assert.Equal("one", queue.Receive());
        Assert.Equal("two", queue.Receive());
        Assert.Equal(IpcErrors.Removed, Assert.Throws<IpcException>(() => queue.Receive()).Id);
    }

    [Fact]
    public async Task A_changed_mode_does_not_end_a_wait()
    {
        using var queue = TestQueue.Posix(10, 100);
        using var other = (PosixQueue)queue.OpenAgain();
        var receive = Task.Run(() => queue.Receive());
        // Each of these is an event for a process that watches the queue, as its removal is.
        for (var i = 0; i < 100; i++) other.Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        other.Send("x"u8);
        Assert.Equal("x", await receive);
    }

    [Needs("python3")]
    public void Another_program_that_removes_it_wakes_who_waits()
    {
        using var queue = TestQueue.Posix(10, 100);
        using var waiting = new ManualResetEventSlim();
        var receive = Task.Run(() =>
        {
            waiting.Set();
            queue.Receive();
        });
        waiting.Wait();
        Peer.RunPython("import ctypes, sys; assert ctypes.CDLL('librt.so.1').mq_unlink(sys.argv[1].encode()) == 0",
            "/" + queue.Address.Name!);
        Assert.Equal(IpcErrors.Removed, Assert.ThrowsAny<IpcException>(receive.GetAwaiter().GetResult).Id);
    }

    [Fact]
    public void Many_waiters_are_all_told_of_the_removal()
    {
        using var queue = TestQueue.Posix(10, 100);
        using var other = queue.OpenAgain();
        using var ready = new CountdownEvent(8);
        var waits = Enumerable.Range(0, 8).Select(i => Task.Factory.StartNew(() =>
        {
            ready.Signal();
            (i % 2 == 0 ? queue.Queue : other).Receive(new MessageBuffer());
        }, TaskCreationOptions.LongRunning)).ToArray();
        ready.Wait();
        queue.Remove();
        foreach (var wait in waits) Assert.Equal(IpcErrors.Removed, Assert.ThrowsAny<IpcException>(wait.GetAwaiter().GetResult).Id);
    }

    [Fact]
    public void A_queue_that_is_not_there_is_not_found()
    {
        var error = Assert.Throws<IpcException>(() => PosixQueue.OpenExisting(TestQueue.NewName()));
        Assert.Equal((IpcErrors.NotFound, "mq_open"), (error.Id, error.Call));
    }

    [Fact]
    public async Task Waiting_for_several_ends_with_a_message_in_one_or_the_removal_of_one()
    {
        using var first = TestQueue.Posix(10, 100);
        using var second = TestQueue.Posix(10, 100);
        ReadinessWatch[] both = [first.Queue.CreateWatch(), second.Queue.CreateWatch()];
        Assert.Equal(-1, ReadinessWaiter.UntilAny(both, out _, Deadline.After(TimeSpan.FromMilliseconds(20))));
        second.Send("x");
        Assert.Equal(1, ReadinessWaiter.UntilAny(both, out _, default));
        second.Receive();
        using var waiting = new ManualResetEventSlim();
        var wait = Task.Run(() =>
        {
            waiting.Set();
            return ReadinessWaiter.UntilAny(both, out _, default);
        });
        waiting.Wait();
        first.Remove();
        Assert.Equal(0, await wait);
        Assert.Equal(IpcErrors.Removed,
            Assert.Throws<IpcException>(() => first.Queue.Receive(new MessageBuffer(), default, Deadline.Immediate)).Id);
    }

    [Theory]
    [InlineData(IpcAccess.ReadWrite)]
    [InlineData(IpcAccess.Read)]
    public void A_descriptor_of_a_queue_is_that_queue(IpcAccess access)
    {
        using var queue = TestQueue.Posix(10, 100);
        using var other = queue.OpenAgain(access);
        using var adopted = Assert.IsType<PosixQueue>(
            IpcMechanisms.Open(IpcAddress.Parse($"fd:{other.HandleToPass!.DangerousGetHandle()}")));
        Assert.Equal(queue.Address, adopted.Address);
        Assert.Equal((other.CanSend, other.CanReceive), (adopted.CanSend, adopted.CanReceive));
        queue.Send("x");
        Assert.True(adopted.Receive(new MessageBuffer()));
    }
}
