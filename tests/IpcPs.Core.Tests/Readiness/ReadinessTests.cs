using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Readiness;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Signals;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Readiness;

/// <summary>Waiting for several objects at once: what becomes ready is reported, and nothing is taken.</summary>
public sealed partial class ReadinessTests : IDisposable
{
    private readonly List<IpcObject> _opened = [];

    public static TheoryData<string> Kinds =>
        ["pipe", "fifo", "unix", "seqpacket", "datagram", "listener", "packets", "mq", "sysvmq", "ring", "sem", "sysvsem", "mutex", "shm"];

    public void Dispose()
    {
        foreach (var one in _opened)
        {
            one.Dispose();
            try
            {
                IpcMechanisms.For(one.Address.Scheme).Remove(one.Address);
            }
            catch (IpcException)
            {
                // Removed by the test, or nothing that stays.
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_becomes_ready_is_reported_and_still_there(string kind)
    {
        var subject = Create(kind);
        // Another object of the same kind stays silent: a wait must not take one for the other.
        var silent = Create(kind);
        using var idle = silent.Object.CreateWatch();
        using var watch = subject.Object.CreateWatch();
        Assert.Equal(-1, ReadinessWaiter.UntilAny([idle, watch], out var state, Deadline.After(TimeSpan.FromMilliseconds(20))));
        Assert.Equal(ReadyState.None, state);
        for (var round = 0; round < 3; round++)
        {
            var waiting = Task.Run(() => ReadinessWaiter.UntilAny([idle, watch], out state, Deadline.After(TimeSpan.FromMinutes(1))));
            subject.Make();
            Assert.Equal(1, await waiting);
            Assert.Equal(subject.State, state);
            // It is not taken: asked again, it is still ready.
            Assert.Equal(1, ReadinessWaiter.UntilAny([idle, watch], out state, Deadline.Immediate));
            subject.Take();
            if (kind == "shm") return;
            Assert.Equal(ReadyState.None, watch.Check());
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_cancelled_wait_ends_and_a_closed_object_is_reported(string kind)
    {
        var subject = Create(kind);
        using var watch = subject.Object.CreateWatch();
        using var cancellation = new CancellationTokenSource();
        var waiting = Task.Run(() => ReadinessWaiter.UntilAny([watch], out _, cancellation.Token));
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        var state = ReadyState.None;
        waiting = Task.Run(() => ReadinessWaiter.UntilAny([watch], out state, Deadline.After(TimeSpan.FromMinutes(1))));
        subject.Object.Dispose();
        Assert.Equal(0, await waiting);
        Assert.Equal(ReadyState.Failed, state);
    }

    [Fact]
    public async Task All_waits_until_all_are_ready_at_once()
    {
        var a = Create("mq");
        var b = Create("sem");
        using var first = a.Object.CreateWatch();
        using var second = b.Object.CreateWatch();
        a.Make();
        var states = new ReadyState[2];
        Assert.False(ReadinessWaiter.UntilAll([first, second], states, Deadline.After(TimeSpan.FromMilliseconds(10))));
        Assert.Equal([ReadyState.Message, ReadyState.None], states);
        // The message is taken meanwhile: it has to come again.
        a.Take();
        b.Make();
        var waiting = Task.Run(() => ReadinessWaiter.UntilAll([first, second], states, Deadline.After(TimeSpan.FromMinutes(1))));
        a.Make();
        Assert.True(await waiting);
        Assert.Equal([ReadyState.Message, ReadyState.Available], states);
    }

    [Theory]
    [InlineData("pipe")]
    [InlineData("fifo")]
    [InlineData("unix")]
    [InlineData("seqpacket")]
    [InlineData("ring")]
    public void The_end_is_told_from_a_message(string kind)
    {
        var subject = Create(kind);
        using var watch = subject.Object.CreateWatch();
        subject.Make();
        subject.End();
        Assert.Equal(0, ReadinessWaiter.UntilAny([watch], out var state, Deadline.After(TimeSpan.FromMinutes(1))));
        Assert.Equal(ReadyState.Message, state);
        subject.Take();
        Assert.Equal(0, ReadinessWaiter.UntilAny([watch], out state, Deadline.After(TimeSpan.FromMinutes(1))));
        Assert.Equal(ReadyState.Ended, state);
        Assert.False(((IpcChannel)subject.Object).Receive(new MessageBuffer()));
    }

    [Theory]
    [InlineData("ring")]
    [InlineData("unix")]
    [InlineData("listener")]
    [InlineData("mq")]
    public async Task A_watch_does_not_wait_for_a_thread_that_receives(string kind)
    {
        var subject = Create(kind);
        var channel = (IpcChannel)subject.Object;
        using var ending = new CancellationTokenSource();
        var receiving = Task.Factory.StartNew(
            () => Assert.ThrowsAny<OperationCanceledException>(() => channel.Receive(new MessageBuffer(), default, ending.Token)),
            TaskCreationOptions.LongRunning);
        using var watch = channel.CreateWatch();
        using var limit = new CancellationTokenSource();
        var waiting = Task.Run(() => ReadinessWaiter.UntilAny([watch], out _, limit.Token));
        // Long enough for both to wait: what is tested is that the second one ends.
        await Task.Delay(50);
        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromMinutes(1)));
        await ending.CancelAsync();
        await receiving;
    }

    [Fact]
    public void Messages_that_were_read_with_an_earlier_one_are_ready()
    {
        var pipe = Own(AnonymousPipe.Create());
        pipe.Writer.SendMany([new byte[] { 1 }, new byte[] { 2 }], new SendOptions { Format = IpcFormat.Object });
        Assert.True(pipe.Reader.Receive(new MessageBuffer()));
        Assert.Equal(0, pipe.Reader.PendingBytes);
        using var watch = pipe.CreateWatch();
        Assert.Equal(ReadyState.Message, watch.Check());
        Assert.True(pipe.Reader.Receive(new MessageBuffer()));
        Assert.Equal(ReadyState.None, watch.Check());
    }

    [Fact]
    public void A_listener_tells_connections_from_messages_and_forgets_clients_that_left()
    {
        var listener = (SocketListener)Create("listener").Object;
        using var watch = listener.CreateWatch();
        using var client = IpcMechanisms.Open(listener.Address);
        Assert.Equal(ReadyState.Connection, watch.Check());
        Assert.Equal(IpcErrors.Empty,
            Assert.Throws<IpcException>(() => listener.Receive(new MessageBuffer(), default, Deadline.Immediate)).Id);
        Assert.Equal(ReadyState.None, watch.Check());
        using (var visitor = IpcMechanisms.Open(listener.Address))
        {
            Assert.Throws<IpcException>(() => listener.Receive(new MessageBuffer(), default, Deadline.Immediate));
            Assert.Equal(2, listener.Clients);
        }
        // The visitor left without a word. That is no message.
        Assert.Equal(-1, ReadinessWaiter.UntilAny([watch], out _, Soon));
        Assert.Equal(1, listener.Clients);
        ((IpcChannel)client).Send([65, 10]);
        Assert.Equal(ReadyState.Message, watch.Check());
    }

    [Fact]
    public void An_empty_packet_is_a_message()
    {
        var listener = (SocketListener)Create("packets").Object;
        using var watch = listener.CreateWatch();
        using var client = (IpcChannel)IpcMechanisms.Open(listener.Address);
        client.Send([], new SendOptions { Format = IpcFormat.Bytes });
        Assert.Equal(ReadyState.Connection, watch.Check());
        Assert.True(listener.Receive(new MessageBuffer(), default, Deadline.After(TimeSpan.FromMinutes(1))));
        client.Send([], new SendOptions { Format = IpcFormat.Bytes });
        Assert.Equal(ReadyState.Message, watch.Check());
        Assert.Equal(ReadyState.Message, watch.Check());
        Assert.True(listener.Receive(new MessageBuffer(), default, Deadline.Immediate));
        Assert.Equal(ReadyState.None, watch.Check());
    }

    [Fact]
    public async Task Only_the_type_that_is_waited_for_is_reported()
    {
        var queue = (SysVQueue)Create("sysvmq").Object;
        using var seven = queue.CreateWatch(new ReadinessOptions { Type = 7 });
        using var notTwo = queue.CreateWatch(new ReadinessOptions { Type = 2, ExceptType = true });
        queue.Send([1], new SendOptions { Type = 2 });
        Assert.Equal(-1, ReadinessWaiter.UntilAny([seven, notTwo], out _, Soon));
        var waiting = Task.Run(() => ReadinessWaiter.UntilAny([seven, notTwo], out _, Deadline.After(TimeSpan.FromMinutes(1))));
        queue.Send([1], new SendOptions { Type = 7 });
        await waiting;
        Assert.Equal((ReadyState.Message, ReadyState.Message), (seven.Check(), notTwo.Check()));
        Assert.Equal(2, queue.CurrentMessages);
        Assert.Equal(IpcErrors.InvalidArgument,
            Assert.Throws<IpcException>(() => queue.CreateWatch(new ReadinessOptions { ExceptType = true })).Id);
    }

    [Fact]
    public async Task Semaphores_are_waited_for_by_count_index_and_zero()
    {
        var set = Own(SysVSemaphoreSet.Create(null, 2, 1));
        using var zero = set.CreateWatch(new ReadinessOptions { Lock = new LockOptions { Count = 0, Index = 1 } });
        using var three = set.CreateWatch(new ReadinessOptions { Lock = new LockOptions { Count = 3, Index = 1 } });
        var posix = (PosixSemaphore)Create("sem").Object;
        using var two = posix.CreateWatch(new ReadinessOptions { Lock = new LockOptions { Count = 2 } });
        posix.Release();
        Assert.Equal(-1, ReadinessWaiter.UntilAny([zero, three, two], out _, Soon));
        await Becomes(three, () => set.SetValue(1, 3));
        await Becomes(zero, () => set.SetValue(1, 0));
        await Becomes(two, () => posix.Release());
        Assert.Equal(2, posix.Value);
        Assert.True(SpinWait.SpinUntil(() => posix.Waiters == 0, TimeSpan.FromMinutes(1)), "The watch is still counted as a waiter.");
        Assert.Equal([1, 0], set.Values);
        Assert.Throws<IpcException>(() => set.CreateWatch(new ReadinessOptions { Lock = new LockOptions { Index = 2 } }));
    }

    [Fact]
    public async Task A_watch_takes_no_release_from_a_process_that_acquires()
    {
        // sem_post(3) wakes one waiter. Where that is the watch, it has to wake the next one.
        var semaphore = (PosixSemaphore)Create("sem").Object;
        using var ending = new CancellationTokenSource();
        using var other = PosixSemaphore.Open(semaphore.Address);
        var watching = Task.Run(() =>
        {
            using var watch = other.CreateWatch();
            while (!ending.IsCancellationRequested)
            {
                try
                {
                    ReadinessWaiter.UntilAny([watch], out _, ending.Token);
                }
                catch (OperationCanceledException)
                {
                }
            }
        });
        for (var i = 0; i < 300; i++)
        {
            var acquiring = Task.Run(() => semaphore.Acquire(Deadline.After(TimeSpan.FromMinutes(1))));
            semaphore.Release();
            await acquiring;
        }
        await ending.CancelAsync();
        await watching;
        Assert.Equal(0, semaphore.Value);
    }

    [Fact]
    public async Task A_watched_mutex_that_is_free_can_be_acquired_without_waiting()
    {
        var mutex = (IpcMutex)Create("mutex").Object;
        mutex.Release();
        using var ending = new CancellationTokenSource();
        var watching = Task.Run(() =>
        {
            using var other = IpcMutex.Open(mutex.Address);
            using var watch = other.CreateWatch();
            while (!ending.IsCancellationRequested) watch.Check();
        });
        for (var i = 0; i < 2000; i++)
        {
            mutex.Acquire(Deadline.Immediate);
            mutex.Release();
        }
        await ending.CancelAsync();
        await watching;
    }

    [Fact]
    public async Task A_mutex_is_available_when_its_holder_was_killed()
    {
        var mutex = (IpcMutex)Create("mutex").Object;
        mutex.Release();
        var holder = Peer.StartPython("""
            import fcntl, sys
            f = open(sys.argv[1], 'r+b')
            fcntl.flock(f, fcntl.LOCK_EX)
            print('held', flush=True)
            sys.stdin.read()
            """, mutex.Address.Path!);
        Assert.Equal("held", holder.ReadLine());
        using var watch = mutex.CreateWatch();
        await Becomes(watch, holder.Kill);
        using var process = SignalTarget.Open(Environment.ProcessId);
        mutex.Acquire(Deadline.Immediate);
        mutex.Release();
    }

    [Fact]
    public async Task A_process_and_a_signal_are_waited_for()
    {
        using var peer = Peer.StartPython("import sys; sys.stdin.read()");
        using var target = SignalTarget.Open(peer.Id);
        using var process = target.CreateWatch();
        using var collector = new SignalCollector(Signal.Parse("RTMIN+9"));
        using var signal = collector.CreateWatch([Signal.Parse("RTMIN+9")]);
        Assert.Equal(-1, ReadinessWaiter.UntilAny([process, signal], out _, Soon));
        var state = ReadyState.None;
        var waiting = Task.Run(() => ReadinessWaiter.UntilAny([process, signal], out state, Deadline.After(TimeSpan.FromMinutes(1))));
        using (var self = SignalTarget.Open(Environment.ProcessId)) self.Send(Signal.Parse("RTMIN+9"), 5);
        Assert.Equal((1, ReadyState.Signal), (await waiting, state));
        Assert.Equal(5, collector.Wait([Signal.Parse("RTMIN+9")], Deadline.Immediate)?.Value);
        Assert.Equal(ReadyState.None, signal.Check());
        waiting = Task.Run(() => ReadinessWaiter.UntilAny([process, signal], out state, Deadline.After(TimeSpan.FromMinutes(1))));
        peer.Kill();
        Assert.Equal((0, ReadyState.Ended), (await waiting, state));
    }

    [Fact]
    public void What_cannot_be_waited_for_is_refused()
    {
        var pipe = Own(AnonymousPipe.Create());
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => pipe.Writer.CreateWatch()).Id);
        using var duplex = DuplexPipe.Create();
        var error = Assert.Throws<IpcException>(() => duplex.CreateWatch());
        Assert.Equal(IpcErrors.NotSupported, error.Id);
        Assert.Equal($"'{duplex.Address}' ({duplex.Kind}) has nothing to wait for.", error.Message);
    }

    private static Deadline Soon => Deadline.After(TimeSpan.FromMilliseconds(20));

    private static async Task Becomes(ReadinessWatch watch, Action action)
    {
        var waiting = Task.Run(() => ReadinessWaiter.UntilAny([watch], out _, Deadline.After(TimeSpan.FromMinutes(1))));
        action();
        Assert.Equal(0, await waiting);
    }
}
