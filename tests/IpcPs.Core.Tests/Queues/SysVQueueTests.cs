using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Queues;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Queues;

[Collection(nameof(QueueTests))]
public class SysVQueueTests
{
    private static ReceiveOptions Of(long type, bool except = false, bool peek = false) =>
        new() { Type = type, ExceptType = except, Peek = peek };

    [Fact]
    public void A_receiver_chooses_by_type()
    {
        using var queue = TestQueue.SysV();
        foreach (var (text, type) in new[] { ("a", 5L), ("b", 3L), ("c", 5L), ("d", 2L), ("e", 9L), ("f", 1L << 40) })
            queue.Send(text, new SendOptions { Type = type });
        Assert.Equal("b", queue.Receive(Of(3)));
        Assert.Equal("d", queue.Receive(Of(-5)));
        Assert.Equal("a", queue.Receive(Of(-5)));
        Assert.Equal("e", queue.Receive(Of(5, except: true)));
        Assert.Equal("c", queue.Receive(Of(0)));
        var message = new MessageBuffer();
        queue.Queue.Receive(message);
        Assert.Equal((1L << 40, 1), (message.Type, message.Length));
    }

    [Fact]
    public void A_message_without_a_type_has_type_1()
    {
        using var queue = TestQueue.SysV();
        queue.Send("x");
        Assert.Equal("x", queue.Receive(Of(1)));
    }

    [Fact]
    public void Impossible_types_are_refused()
    {
        using var queue = TestQueue.SysV();
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => queue.Send("x", new SendOptions { Type = -1 })).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => queue.Receive(Of(0, except: true))).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => queue.Receive(Of(-3, except: true))).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => queue.Receive(Of(long.MinValue))).Id);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => queue.Send("x", new SendOptions { Priority = 1 })).Id);
    }

    [Fact]
    public async Task Each_side_waits_for_its_own_type_on_one_queue()
    {
        using var queue = TestQueue.SysV();
        var server = Task.Run(() =>
        {
            for (var i = 0; i < 100; i++) queue.Send(queue.Receive(Of(1)) + "!", new SendOptions { Type = 2 });
        });
        for (var i = 0; i < 100; i++)
        {
            queue.Send($"{i}", new SendOptions { Type = 1 });
            Assert.Equal($"{i}!", queue.Receive(Of(2)));
        }
        await server;
    }

    [Fact]
    public async Task A_message_of_another_type_does_not_wake_a_receiver()
    {
        using var queue = TestQueue.SysV();
        var receive = Task.Run(() => queue.Receive(Of(7)));
        queue.Send("six", new SendOptions { Type = 6 });
        queue.Send("seven", new SendOptions { Type = 7 });
        Assert.Equal("seven", await receive);
        Assert.Equal(IpcErrors.Empty,
            Assert.Throws<IpcException>(() => queue.Queue.Receive(new MessageBuffer(), Of(7), Deadline.Immediate)).Id);
        Assert.Equal("six", queue.Receive());
    }

    [Theory]
    [InlineData(0, false, "a")]
    [InlineData(3, false, "b")]
    [InlineData(5, true, "b")]
    [InlineData(-4, false, "c")]
    [InlineData(-3, false, "c")]
    public void Peeking_sees_what_a_receive_would_take_and_leaves_it(long type, bool except, string expected)
    {
        if (!KernelCopies()) return;
        using var queue = TestQueue.SysV();
        foreach (var (text, own) in new[] { ("a", 5L), ("b", 3L), ("c", 2L), ("d", 2L) }) queue.Send(text, new SendOptions { Type = own });
        for (var i = 0; i < 3; i++) Assert.Equal(expected, queue.Receive(Of(type, except, peek: true)));
        Assert.Equal(4, queue.CurrentMessages);
        Assert.Equal(expected, queue.Receive(Of(type, except)));
    }

    [Fact]
    public async Task Peeking_waits_for_a_message_and_leaves_it()
    {
        if (!KernelCopies()) return;
        using var queue = TestQueue.SysV();
        var message = new MessageBuffer();
        var peek = Of(7, peek: true);
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => queue.Queue.Receive(message, peek, Deadline.Immediate)).Id);
        Assert.Equal(IpcErrors.Timeout,
            Assert.Throws<IpcException>(() => queue.Queue.Receive(message, peek, Deadline.After(TimeSpan.FromMilliseconds(20)))).Id);
        var peeking = Task.Run(() => queue.Receive(peek));
        queue.Send("other", new SendOptions { Type = 6 });
        queue.Send("this", new SendOptions { Type = 7 });
        Assert.Equal("this", await peeking);
        Assert.Equal(2, queue.CurrentMessages);
    }

    [Fact]
    public async Task Peeking_at_an_empty_message_that_it_waited_for_gives_it_back()
    {
        if (!KernelCopies()) return;
        using var queue = TestQueue.SysV();
        var peeking = Task.Run(() => queue.Receive(Of(0, peek: true)));
        queue.Send("", new SendOptions { Type = 4 });
        Assert.Equal("", await peeking);
        var message = new MessageBuffer();
        Assert.True(queue.Queue.Receive(message, default, Deadline.After(TimeSpan.FromSeconds(30))));
        Assert.Equal((4L, 0), (message.Type, message.Length));
    }

    [Fact]
    public async Task The_last_receiver_is_a_process_also_where_the_kernel_records_its_thread()
    {
        // The kernel records the thread of a receiver that waited when the message was sent.
        using var made = TestQueue.SysV();
        var queue = (SysVQueue)made.Queue;
        using var id = new BlockingCollection<int>();
        using var seen = new ManualResetEventSlim();
        var receiving = Task.Factory.StartNew(() =>
        {
            id.Add(Linux.Libc.gettid());
            queue.Receive(new MessageBuffer());
            seen.Wait();
        }, TaskCreationOptions.LongRunning);
        var thread = id.Take();
        const string MsgRcv = "70 ";
        var call = $"/proc/self/task/{thread}/syscall";
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText(call).StartsWith(MsgRcv, StringComparison.Ordinal), TimeSpan.FromMinutes(1)));
        Peer.RunPython("""
            import ctypes, sys
            ctypes.CDLL(None).msgsnd(int(sys.argv[1]), ctypes.create_string_buffer((1).to_bytes(8, 'little') + b'x'), 1, 0)
            """, queue.Id.ToString(CultureInfo.InvariantCulture));
        Assert.True(SpinWait.SpinUntil(() => queue.LastReceiverId is not null, TimeSpan.FromMinutes(1)));
        Assert.Equal(Environment.ProcessId, queue.LastReceiverId);
        // A queue that this process uses is not stale, although its sender has ended.
        var listed = Assert.Single(QueueInventory.SysV(new InventoryScan()), i => i.Address.Equals(queue.Address));
        Assert.Contains(Environment.ProcessId, listed.LastIds);
        Assert.False(listed.IsStale, listed.Reason);
        seen.Set();
        await receiving;
    }

    [Fact]
    public void Its_facts_are_as_asked_whatever_the_umask()
    {
        var umask = Umask.Set(0x3F /* 077 */);
        var key = TestQueue.NewKey();
        var queue = SysVQueue.Create(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite, 500);
        try
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite, queue.Mode);
            Assert.Equal(($"sysvmq:{key}", key.ToString(), 500L, 500L),
                (queue.Address.Text, queue.Key, queue.MaxBytes, queue.MaxMessageSize));
            Assert.Equal((null, null, null, null), (queue.LastSenderId, queue.LastReceiverId, queue.LastSent, queue.LastReceived));
            queue.Send("12345"u8);
            Assert.Equal((1L, 5L, Environment.ProcessId), (queue.CurrentMessages, queue.CurrentBytes, queue.LastSenderId));
            queue.Receive(new MessageBuffer());
            Assert.Equal(Environment.ProcessId, queue.LastReceiverId);
            Assert.NotNull(queue.LastSent);
            Assert.NotNull(queue.LastReceived);
            Assert.NotNull(queue.Changed);
            queue.Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            queue.MaxBytes = 300;
            queue.Owner = queue.Owner;
            queue.Group = queue.Group;
            Assert.Equal((UnixFileMode.UserRead | UnixFileMode.UserWrite, 300L, Environment.UserName, Environment.UserName),
                (queue.Mode, queue.MaxBytes, queue.Owner, queue.Creator));
            Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => queue.MaxBytes = 0).Id);
            Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => queue.Owner = "no such user").Id);
        }
        finally
        {
            _ = Umask.Set(umask);
            SysVQueue.Remove(queue.Address);
        }
    }

    [Fact]
    public void A_private_queue_is_found_by_its_id()
    {
        using var queue = TestQueue.SysV();
        var id = ((SysVQueue)queue.Queue).Id;
        Assert.Equal(($"sysvmq:id={id}", null), (queue.Address.Text, ((SysVQueue)queue.Queue).Key));
        queue.Send("x");
        using var same = (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse($"sysvmq:id={id}"));
        var message = new MessageBuffer();
        same.Receive(message);
        Assert.Equal("x", Encoding.UTF8.GetString(message.Payload.Span));
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => SysVQueue.Create(SysVKey.FromId(id))).Id);
    }

    [Fact]
    public void A_queue_by_file_is_the_same_queue_by_number()
    {
        var file = Path.GetTempFileName();
        try
        {
            var key = SysVKey.TryParse(file + "#7")!;
            using var queue = SysVQueue.Create(key);
            try
            {
                Assert.Equal($"sysvmq:{file}#7", queue.Address.Text);
                using var same = SysVQueue.OpenExisting(IpcAddress.Parse($"sysvmq:0x{key.Resolve():x}"));
                Assert.Equal(queue.Id, same.Id);
            }
            finally
            {
                SysVQueue.Remove(queue.Address);
            }
        }
        finally
        {
            File.Delete(file);
        }
        Assert.Equal(IpcErrors.NotFound,
            Assert.Throws<IpcException>(() => SysVQueue.OpenExisting(IpcAddress.Parse($"sysvmq:{file}#7"))).Id);
    }

    [Fact]
    public void Use_after_removal_says_that_it_was_removed()
    {
        using var queue = TestQueue.SysV();
        queue.Remove();
        var sysv = (SysVQueue)queue.Queue;
        foreach (Action use in new Action[] { () => queue.Send("x"), () => queue.Receive(), () => _ = sysv.CurrentMessages,
            () => sysv.Mode = UnixFileMode.UserRead, () => queue.Receive(Of(0, peek: true)) })
            Assert.Equal(IpcErrors.Removed, Assert.Throws<IpcException>(use).Id);
    }

    [Fact]
    public void A_limit_that_was_lowered_meanwhile_is_named()
    {
        using var queue = TestQueue.SysV(1000);
        queue.Queue.Send(new byte[900]);
        queue.Receive();
        ((SysVQueue)queue.Queue).MaxBytes = 100;
        using var other = queue.OpenAgain();
        Assert.Equal(IpcErrors.MessageTooLarge, Assert.Throws<IpcException>(() => other.Send(new byte[101])).Id);
    }

    private static bool KernelCopies()
    {
        using var queue = TestQueue.SysV();
        var error = Assert.Throws<IpcException>(() =>
            queue.Queue.Receive(new MessageBuffer(), new ReceiveOptions { Peek = true }, Deadline.Immediate));
        if (error.Id == IpcErrors.Empty) return true;
        // What a kernel without it must say; there is nothing more to be tested there.
        Assert.Equal(IpcErrors.PlatformNotSupported, error.Id);
        Assert.Contains("CONFIG_CHECKPOINT_RESTORE", error.Message, StringComparison.Ordinal);
        return false;
    }
}
