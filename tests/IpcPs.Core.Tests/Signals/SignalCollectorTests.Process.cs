using System.Diagnostics;
using System.Runtime.InteropServices;
using IpcPs.Linux;
using IpcPs.Signals;
using Xunit;

namespace IpcPs.Tests.Signals;

/// <content>Signals and the rest of the process: its threads, its children, .NET, its own handlers.</content>
public partial class SignalCollectorTests
{
    [Fact]
    public void Threads_made_before_and_after_block_it_and_a_child_of_ours_does_not()
    {
        var signal = Signal.Parse("RTMAX-4");
        using var end = new ManualResetEventSlim();
        var early = Idle(end);
        using var collector = new SignalCollector(signal);
        var late = Idle(end);
        Assert.All(ProcessSignals.ReadThreads(Environment.ProcessId), t => Assert.True(t.Blocked.Contains(signal)));
        Assert.Equal(0UL, MaskOfChild() & signal.Mask);
        end.Set();
        Assert.True(early.Join(Limit));
        Assert.True(late.Join(Limit));
    }

    [Fact]
    public unsafe void A_thread_that_blocks_all_signals_for_a_moment_blocks_the_collected_one_after_it()
    {
        // glibc does that while it creates a thread, and .NET while it starts a process. They restore the earlier mask later.
        var signal = Signal.Parse("RTMAX-5");
        using var blocked = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var id = 0;
        var isRight = false;
        var thread = new Thread(() =>
        {
            id = Libc.gettid();
            var all = stackalloc ulong[16];
            var before = stackalloc ulong[16];
            for (var i = 0; i < 16; i++) all[i] = ulong.MaxValue;
            // Except the signal of the runtime, or a garbage collection would wait for this thread.
            all[0] &= ~(1UL << 33);
            _ = Libc.pthread_sigmask(2, all, before);
            blocked.Set();
            goOn.Wait(Limit);
            _ = Libc.pthread_sigmask(2, before, null);
            isRight = ProcessSignals.ReadThreads(Environment.ProcessId).Single(t => t.ThreadId == id).Blocked.Contains(signal);
        });
        thread.Start();
        Assert.True(blocked.Wait(Limit));
        using var collector = new SignalCollector(signal);
        goOn.Set();
        Assert.True(thread.Join(Limit));
        Assert.True(isRight);
    }

    [Fact]
    public void A_child_s_end_reaches_dotnet_as_well()
    {
        using var collector = new SignalCollector(Signal.Parse("CHLD"));
        using var child = Process.Start("sh", ["-c", "exit 3"]);
        // .NET learns of it from the same signal.
        Assert.True(child.WaitForExit(Limit));
        Assert.Equal(3, child.ExitCode);
        var soon = Soon;
        while (collector.Wait(null, soon) is { } received)
        {
            if (received.SenderId != child.Id) continue;
            Assert.Equal(SignalOrigin.Child, received.Origin);
            Assert.Equal(3, received.Status);
            return;
        }
        Assert.Fail("CHLD did not arrive.");
    }

    [Fact]
    public void A_dotnet_registration_made_before_and_one_made_after_both_work()
    {
        var before = new SemaphoreSlim(0);
        var after = new SemaphoreSlim(0);
        using var me = SignalTarget.Open(Environment.ProcessId);
        var signal = Signal.Parse("WINCH");
        using (PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => before.Release()))
        {
            using var collector = new SignalCollector(signal);
            using (PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => after.Release()))
            {
                me.Send(signal);
                Assert.NotNull(collector.Wait(null, Soon));
                Assert.True(before.Wait(Limit));
                Assert.True(after.Wait(Limit));
            }
            collector.Remove(signal);
            using var again = new SignalCollector(signal);
            me.Send(signal);
            Assert.NotNull(again.Wait(null, Soon));
            Assert.True(before.Wait(Limit));
            Assert.Null(again.Wait(null, Deadline.Immediate));
        }
    }

    [Fact]
    public void A_handler_that_the_process_had_is_called_when_the_subscriber_says_so()
    {
        var called = new SemaphoreSlim(0);
        using var me = SignalTarget.Open(Environment.ProcessId);
        var signal = Signal.Parse("QUIT");
        // A shell starts a background process with QUIT ignored, and .NET does not change that.
        if (ProcessSignals.Read(Environment.ProcessId).Ignored.Contains(signal)) return;
        using var dotnet = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, context =>
        {
            context.Cancel = true;
            called.Release();
        });
        var notified = new SemaphoreSlim(0);
        using var subscription = new SignalSubscription(signal, _ => notified.Release());
        me.Send(signal);
        Assert.True(notified.Wait(Limit));
        Assert.False(called.Wait(0));
        subscription.RunPrevious();
        Assert.True(called.Wait(Limit));
        // It was passed on, and not recorded a second time.
        Assert.False(notified.Wait(0));
    }
}
