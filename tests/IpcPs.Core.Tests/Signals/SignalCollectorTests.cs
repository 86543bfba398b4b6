using System.Diagnostics;
using IpcPs.Linux;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Signals;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Signals;

/// <summary>Receives signals in the test process itself. Each test uses its own real-time signals, because a signal belongs to the whole
/// process.</summary>
[Collection("Signals of the test process")]
public partial class SignalCollectorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private static Deadline Soon => Deadline.After(Limit);

    [Needs("gcc")]
    public void A_hundred_thousand_arrive_in_order_while_the_process_collects_garbage_and_is_busy()
    {
        using var storm = new Storm();
        var signal = Signal.Parse("RTMIN+2");
        using var collector = new SignalCollector(signal);
        using var peer = Peer.StartC(SignalPeers.Flood, $"{Environment.ProcessId}", $"{signal.Number}", "100000");
        using var wait = collector.BeginWait();
        var soon = Soon;
        for (var i = 0; i < 100_000; i++)
        {
            var received = wait.Next(soon);
            Assert.Equal(i, received!.Value);
            Assert.Equal(0, received.Lost);
        }
        Assert.Null(wait.Next(Deadline.Immediate));
        peer.Finish();
    }

    [Needs("gcc")]
    public void A_subscriber_gets_signals_in_order_too()
    {
        using var storm = new Storm();
        var signal = Signal.Parse("RTMIN+4");
        var values = new List<long>();
        using var all = new ManualResetEventSlim();
        using var subscription = new SignalSubscription(signal, received =>
        {
            values.Add(received.Value!.Value);
            if (values.Count == 20_000) all.Set();
        });
        Peer.RunC(SignalPeers.Flood, $"{Environment.ProcessId}", $"{signal.Number}", "20000");
        Assert.True(all.Wait(Limit));
        Assert.Equal(Enumerable.Range(0, 20_000).Select(static i => (long)i), values);
    }

    [Needs("gcc")]
    public void Sender_user_and_value_are_known()
    {
        var signal = Signal.Parse("RTMAX-3");
        using var collector = new SignalCollector(signal);
        using var peer = Peer.StartC(SignalPeers.Pointer, $"{Environment.ProcessId}", $"{signal.Number}", "7fff12345678");
        var received = collector.Wait(null, Soon)!;
        Assert.Equal(peer.Id, received.SenderId);
        Assert.Equal(Libc.getuid(), received.SenderUserId);
        Assert.Equal(SignalOrigin.Queue, received.Origin);
        Assert.Equal(0x7fff12345678, received.Value64);
        Assert.Equal(0x12345678, received.Value);
        Assert.Equal(signal, received.Signal);
        Assert.True(DateTime.Now - received.Time < TimeSpan.FromHours(1));
        peer.Finish();
    }

    [Theory]
    [InlineData("USR1")]
    [InlineData("USR2")]
    [InlineData("ALRM")]
    [InlineData("WINCH")]
    [InlineData("HUP")]
    [InlineData("RTMIN+6")]
    public void A_signal_of_this_process_has_it_as_the_sender(string name)
    {
        var signal = Signal.Parse(name);
        using var collector = new SignalCollector(signal);
        using var me = SignalTarget.Open(Environment.ProcessId);
        me.Send(signal);
        var received = collector.Wait(null, Soon)!;
        Assert.Equal(SignalOrigin.Kill, received.Origin);
        Assert.Equal(Environment.ProcessId, received.SenderId);
        Assert.Null(received.Value);
        me.Send(signal, 7);
        Assert.Equal(7, collector.Wait(null, Soon)!.Value);
    }

    [Needs("python3")]
    public void Python_sends()
    {
        var signal = Signal.Parse("USR1");
        using var collector = new SignalCollector(signal);
        Peer.RunPython($"import os; os.kill({Environment.ProcessId}, {signal.Number})");
        Assert.Equal(SignalOrigin.Kill, collector.Wait(null, Soon)!.Origin);
    }

    [Needs("gcc")]
    public void Standard_signals_coalesce_and_real_time_ones_queue()
    {
        // A stopped process handles no signal. When it continues, it gets what the kernel has kept of a thousand.
        var numbers = new[] { Signal.Parse("USR1").Number, Signal.Parse("RTMIN+5").Number };
        foreach (var number in numbers)
        {
            using var peer = Peer.StartC(SignalPeers.Receive, $"{number}", "1001");
            peer.ReadLine();
            using var target = SignalTarget.Open(peer.Id);
            peer.Stop();
            for (var i = 0; i < 1000; i++) target.Send(new Signal(number), i);
            target.Send(Signal.Parse("CONT"));
            var got = 0;
            // The value of the signal shows whether it is the last one.
            while (peer.ReadLine() is { } line)
            {
                got++;
                if (line.Contains(number < 32 ? "int 0" : "int 999", StringComparison.Ordinal)) break;
            }
            Assert.Equal(number < 32 ? 1 : 1000, got);
        }
    }

    [Fact]
    public void The_lowest_number_goes_first()
    {
        Signal[] signals = [Signal.Parse("RTMIN+9"), Signal.Parse("RTMIN+7"), Signal.Parse("RTMIN+8")];
        using var collector = new SignalCollector(signals);
        using var me = SignalTarget.Open(Environment.ProcessId);
        foreach (var signal in signals) me.Send(signal, signal.Number);
        Assert.Equal(signals.Order(), Enumerable.Range(0, 3).Select(_ => collector.Wait(signals, Soon)!.Signal).ToArray());
        me.Send(signals[0], 1);
        me.Send(signals[1], 2);
        Assert.Equal(1, collector.Wait([signals[0]], Soon)!.Value);
        Assert.Equal(2, collector.Wait(null, Soon)!.Value);
    }

    [Fact]
    public void A_wait_ends_by_deadline_cancellation_or_the_end_of_collecting()
    {
        var signal = Signal.Parse("RTMIN+10");
        using var collector = new SignalCollector(signal);
        Assert.Null(collector.Wait(null, Deadline.Immediate));
        Assert.Null(collector.Wait(null, Deadline.After(TimeSpan.FromMilliseconds(20))));
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => collector.Wait(null, cancel.Token));
        using var wait = collector.BeginWait();
        var waiting = Task.Run(() => wait.Next(Soon));
        Assert.True(collector.Remove(signal));
        Assert.Equal(IpcErrors.Closed, Assert.Throws<IpcException>(() => waiting.GetAwaiter().GetResult()).Id);
        Assert.False(collector.Remove(signal));
        Assert.Equal(IpcErrors.InvalidOperation, Assert.Throws<IpcException>(() => collector.Wait()).Id);
        Assert.Equal(IpcErrors.InvalidOperation, Assert.Throws<IpcException>(() => collector.Wait([signal])).Id);
    }

    [Fact]
    public void Two_waiters_share_and_none_is_lost()
    {
        var signal = Signal.Parse("RTMIN+11");
        using var collector = new SignalCollector(signal);
        using var me = SignalTarget.Open(Environment.ProcessId);
        var seen = new System.Collections.Concurrent.ConcurrentBag<long>();
        var waiters = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            using var wait = collector.BeginWait();
            while (wait.Next(Soon) is { Value: >= 0 } received) seen.Add(received.Value!.Value);
        })).ToArray();
        foreach (var waiter in waiters) waiter.Start();
        for (var i = 0; i < 3000; i++) me.Send(signal, i);
        foreach (var _ in waiters) me.Send(signal, -1);
        foreach (var waiter in waiters) Assert.True(waiter.Join(Limit));
        Assert.Equal(Enumerable.Range(0, 3000).Select(static i => (long)i), seen.Order());
    }

    [Fact]
    public void Subscribers_and_a_collector_each_get_every_one()
    {
        var signal = Signal.Parse("RTMIN+12");
        using var collector = new SignalCollector(signal);
        using var me = SignalTarget.Open(Environment.ProcessId);
        var counts = new int[2];
        using var done = new CountdownEvent(200);
        var subscriptions = Enumerable.Range(0, 2).Select(n => new SignalSubscription(signal, _ =>
        {
            counts[n]++;
            done.Signal();
        })).ToArray();
        for (var i = 0; i < 100; i++) me.Send(signal, i);
        Assert.True(done.Wait(Limit));
        Assert.Equal([100, 100], counts);
        for (var i = 0; i < 100; i++) Assert.Equal(i, collector.Wait(null, Soon)!.Value);
        foreach (var subscription in subscriptions) subscription.Dispose();
        me.Send(signal, 1);
        Assert.Equal(1, collector.Wait(null, Soon)!.Value);
        Assert.Equal([100, 100], counts);
    }

    [Fact]
    public void A_thousand_registrations_leave_the_process_as_it_was()
    {
        Signal[] signals = [Signal.Parse("RTMIN+13"), Signal.Parse("VTALRM")];
        var before = Caught();
        var open = 0;
        for (var i = 0; i < 1000; i++)
        {
            using (var collector = new SignalCollector(signals))
            {
                if (i == 0) open = SignalDescriptors();
            }
            Assert.False(Caught().Contains(signals[0]));
        }
        Assert.Equal(before.Mask & (signals[0].Mask | signals[1].Mask), Caught().Mask & (signals[0].Mask | signals[1].Mask));
        Assert.DoesNotContain(ProcessSignals.ReadThreads(Environment.ProcessId), t => t.Blocked.Contains(signals[0]));
        Assert.InRange(SignalDescriptors(), 1, open);
    }

    // Only signalfds, because other tests open and close other descriptors meanwhile.
    private static int SignalDescriptors() =>
        Directory.GetFiles("/proc/self/fd").Count(static path => Target(path) == "anon_inode:[signalfd]");

    private static string? Target(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    [Needs("gcc")]
    public void Signals_that_arrive_after_the_end_of_collecting_do_not_end_the_process()
    {
        var signal = Signal.Parse("RTMIN+14");
        using var peer = Peer.StartC(SignalPeers.Flood, $"{Environment.ProcessId}", $"{signal.Number}", "0");
        for (var i = 0; i < 20; i++)
        {
            using var collector = new SignalCollector(signal);
            Peer? sender = null;
            using (sender = Peer.StartC(SignalPeers.Flood, $"{Environment.ProcessId}", $"{signal.Number}", "2000"))
            {
                collector.Wait(null, Soon);
                collector.Remove(signal);
                Assert.True(Caught().Contains(signal));
                sender.Finish();
            }
        }
        // After some time without the signal, the kernel's default action is restored.
        Assert.True(SpinWait.SpinUntil(() => !Caught().Contains(signal), Limit));
        peer.Finish();
    }

    [Needs("gcc")]
    public void A_full_buffer_is_counted()
    {
        var signal = Signal.Parse("USR2");
        using var collector = new SignalCollector(signal);
        var sent = 0;
        using var me = SignalTarget.Open(Environment.ProcessId);
        // The kernel delivers a signal that a process sends itself before the call returns, unless it chooses another thread. So few of
        // them coalesce.
        while (SignalTable.Describe(signal).Lost == 0)
        {
            me.Send(signal);
            Assert.True(++sent < 10_000_000);
        }
        long got = 0;
        long lost = 0;
        while (collector.Wait(null, Deadline.Immediate) is { } received)
        {
            got++;
            lost += received.Lost;
        }
        Assert.True(got >= 512);
        Assert.True(lost >= 1);
        Assert.True(got + lost <= sent);
        // There is space again.
        me.Send(signal);
        Assert.NotNull(collector.Wait(null, Soon));
    }

    private static SignalSet Caught() => ProcessSignals.Read(Environment.ProcessId).Caught;

    private static ulong MaskOfChild()
    {
        using var pipe = AnonymousPipe.Create();
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "sh",
            Arguments = ["-c", "while read line; do case $line in SigBlk*) echo ${line#SigBlk:}; esac; done < /proc/self/status"],
            Descriptors = [new InheritedDescriptor(pipe.Writer.Writer!, 1)],
        });
        pipe.Writer.Dispose();
        var message = new MessageBuffer();
        Assert.True(pipe.Receive(message, default, Soon));
        Assert.True(child.WaitForExit(Soon));
        return Convert.ToUInt64(System.Text.Encoding.ASCII.GetString(message.Payload.Span).Trim(), 16);
    }

    private static Thread Idle(ManualResetEventSlim end)
    {
        var thread = new Thread(end.Wait) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
