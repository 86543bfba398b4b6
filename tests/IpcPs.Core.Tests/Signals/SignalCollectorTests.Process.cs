using System.Diagnostics;
using IpcPs.Linux;
using IpcPs.Signals;
using Xunit;

namespace IpcPs.Tests.Signals;

/// <content>What else the process has to do with a signal: its threads, children, .NET, handlers of its own.</content>
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
        early.Join();
        late.Join();
    }

    [Fact]
    public unsafe void A_thread_that_holds_back_everything_for_a_moment_comes_to_it()
    {
        // As glibc does while it makes a thread, and .NET while it starts a process: the earlier mask is put back later.
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
            // All but the runtime's own, or a garbage collection would wait for this thread.
            all[0] &= ~(1UL << 33);
            _ = Libc.pthread_sigmask(2, all, before);
            blocked.Set();
            goOn.Wait();
            _ = Libc.pthread_sigmask(2, before, null);
            isRight = ProcessSignals.ReadThreads(Environment.ProcessId).Single(t => t.ThreadId == id).Blocked.Contains(signal);
        });
        thread.Start();
        blocked.Wait();
        using var collector = new SignalCollector(signal);
        goOn.Set();
        thread.Join();
        Assert.True(isRight);
    }

    [Fact]
    public void A_child_s_end_reaches_dotnet_as_well()
    {
        using var collector = new SignalCollector(Signal.Parse("CHLD"));
        using var child = Process.Start("sh", ["-c", "exit 3"]);
        // .NET learns of it by the same signal.
        child.WaitForExit();
        Assert.Equal(3, child.ExitCode);
        while (collector.Wait(null, Soon) is { } received)
        {
            if (received.SenderId != child.Id) continue;
            Assert.Equal(SignalOrigin.Child, received.Origin);
            Assert.Equal(3, received.Status);
            return;
        }
        Assert.Fail("CHLD did not come.");
    }

    [Fact]
    public void A_dotnet_registration_made_before_and_one_made_after_both_work()
    {
        var before = new SemaphoreSlim(0);
        var after = new SemaphoreSlim(0);
        using var me = SignalTarget.Open(Environment.ProcessId);
        var signal = Signal.Parse("WINCH");
        using (System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGWINCH, _ => before.Release()))
        {
            using var collector = new SignalCollector(signal);
            using (System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGWINCH, _ => after.Release()))
            {
                me.Send(signal);
                Assert.NotNull(collector.Wait(null, Soon));
                before.Wait();
                after.Wait();
            }
            collector.Remove(signal);
            using var again = new SignalCollector(signal);
            me.Send(signal);
            Assert.NotNull(again.Wait(null, Soon));
            before.Wait();
            Assert.Null(again.Wait(null, Deadline.Immediate));
        }
    }

    [Fact]
    public void A_handler_that_the_process_had_is_called_when_the_subscriber_says_so()
    {
        var called = new SemaphoreSlim(0);
        using var me = SignalTarget.Open(Environment.ProcessId);
        var signal = Signal.Parse("QUIT");
        // A shell starts what it runs in the background with QUIT ignored, and .NET leaves it so.
        if (ProcessSignals.Read(Environment.ProcessId).Ignored.Contains(signal)) return;
        using var dotnet = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGQUIT, context =>
        {
            context.Cancel = true;
            called.Release();
        });
        var told = new SemaphoreSlim(0);
        using var subscription = new SignalSubscription(signal, _ => told.Release());
        me.Send(signal);
        Assert.True(told.Wait(TimeSpan.FromMinutes(1)));
        Assert.False(called.Wait(0));
        subscription.RunPrevious();
        Assert.True(called.Wait(TimeSpan.FromMinutes(1)));
        // It was passed on, and not recorded a second time.
        Assert.False(told.Wait(0));
    }
}
