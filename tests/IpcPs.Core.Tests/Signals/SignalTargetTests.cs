using IpcPs.Linux;
using IpcPs.Processes;
using IpcPs.Signals;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Signals;

public class SignalTargetTests
{
    private static readonly Signal Usr1 = Signal.Parse("USR1");
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static Deadline Soon => Deadline.After(Limit);

    [Needs("gcc")]
    public void A_C_program_finds_sender_and_value()
    {
        var signal = Signal.Parse("RTMIN+5");
        using var peer = Peer.StartC(SignalPeers.Receive, $"{signal.Number}", "4");
        peer.ReadLine();
        using var target = SignalTarget.Open(peer.Id);
        target.Send(signal, 42);
        target.Send(signal, -1);
        target.Send(signal, 0x1122334455667788);
        target.Send(signal);
        var me = $"pid {Environment.ProcessId} uid {GetUserId()}";
        Assert.Equal($"{signal.Number} code -1 {me} int 42 ptr 2a", peer.ReadLine());
        Assert.Equal($"{signal.Number} code -1 {me} int -1 ptr ffffffffffffffff", peer.ReadLine());
        Assert.Equal($"{signal.Number} code -1 {me} int {0x55667788} ptr 1122334455667788", peer.ReadLine());
        Assert.Equal($"{signal.Number} code 0 {me} int 0 ptr 0", peer.ReadLine());
        peer.Finish();
        Assert.True(target.WaitForEnd(Soon));
    }

    [Needs("python3")]
    public void After_the_end_of_a_process_it_is_not_found()
    {
        using var peer = Peer.StartPython("import sys; print('ready', flush=True); sys.stdin.read()");
        peer.ReadLine();
        using var target = SignalTarget.Open(peer.Id);
        Assert.True(target.IsHeld);
        Assert.False(target.HasEnded);
        Assert.False(target.WaitForEnd(Deadline.After(TimeSpan.FromMilliseconds(20))));
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => target.WaitForEnd(cancel.Token));
        target.Send(Signal.Test);
        target.Send(Signal.Parse("KILL"));
        Assert.True(target.WaitForEnd(Soon));
        peer.Kill();
        Assert.Equal(IpcErrors.ProcessNotFound, Assert.Throws<IpcException>(() => target.Send(Usr1)).Id);
        Assert.Equal(IpcErrors.ProcessNotFound, Assert.Throws<IpcException>(() => SignalTarget.Open(peer.Id)).Id);
    }

    [Fact]
    public void Another_process_that_has_the_same_id_is_refused()
    {
        using var own = SignalTarget.Open(Environment.ProcessId);
        using var same = SignalTarget.Open(Environment.ProcessId, own.StartTime);
        using var asDotnetHasIt = SignalTarget.Open(Environment.ProcessId, System.Diagnostics.Process.GetCurrentProcess().StartTime);
        using var inUtc = SignalTarget.Open(Environment.ProcessId, own.StartTime.ToUniversalTime());
        var error = Assert.Throws<IpcException>(() => SignalTarget.Open(Environment.ProcessId, own.StartTime.AddSeconds(-10)));
        Assert.Equal(IpcErrors.ProcessNotFound, error.Id);
        Assert.Contains("has ended", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(-1234)]
    [InlineData(int.MinValue)]
    public void A_number_that_is_not_a_process_id_is_refused(int number)
    {
        Assert.Equal(IpcErrors.ProcessRefused, Assert.Throws<IpcException>(() => SignalTarget.Open(number)).Id);
        Assert.Equal(IpcErrors.ProcessRefused, Assert.Throws<IpcException>(() => SignalTarget.SendToGroup(number, Signal.Test)).Id);
    }

    [Fact]
    public void No_process_and_a_thread_are_told_apart()
    {
        // Above the highest pid that the kernel gives (PID_MAX_LIMIT, 4 Mi).
        Assert.Equal(IpcErrors.ProcessNotFound, Assert.Throws<IpcException>(() => SignalTarget.Open(5_000_000)).Id);
        Assert.Equal(IpcErrors.ProcessNotFound, Assert.Throws<IpcException>(() => SignalTarget.Open(int.MaxValue)).Id);
        var thread = ProcessSignals.ReadThreads(Environment.ProcessId).First(static t => t.ThreadId != Environment.ProcessId).ThreadId;
        Assert.Contains("is a thread", Assert.Throws<IpcException>(() => SignalTarget.Open(thread)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_reaches_all_processes_of_a_group()
    {
        using var leader = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "sh",
            Arguments = ["-c", "sleep 1000 & wait"],
            OwnSession = true,
        });
        SignalTarget.SendToGroup(leader.Id, Signal.Test);
        SignalTarget.SendToGroup(leader.Id, Signal.Parse("KILL"));
        Assert.True(leader.WaitForExit(Soon));
        Assert.Equal("KILL", leader.Exit!.Value.SignalName);
    }

    [Fact]
    public void The_error_for_a_group_that_does_not_exist_names_the_group_of_the_process()
    {
        using var child = ChildProcess.Start(new ChildProcessOptions { FileName = "sleep", Arguments = ["1000"] });
        var error = Assert.Throws<IpcException>(() => SignalTarget.SendToGroup(child.Id, Signal.Test));
        Assert.Equal(IpcErrors.ProcessNotFound, error.Id);
        Assert.Contains("is in the group", error.RecommendedAction, StringComparison.Ordinal);
        child.Signal(9);
        Assert.True(child.WaitForExit(Soon));
    }

    [Needs("gcc", "prlimit")]
    public void A_full_queue_is_reported_with_its_limit()
    {
        var signal = Signal.Parse("RTMIN+5");
        using var stopped = Peer.StartC(SignalPeers.Receive, $"{signal.Number}", "1");
        stopped.ReadLine();
        using var full = SignalTarget.Open(stopped.Id);
        Peer.Run("prlimit", "--sigpending=3", "--pid", $"{stopped.Id}");
        stopped.Stop();
        IpcException? error = null;
        for (var i = 0; i < 10 && error is null; i++)
        {
            try
            {
                full.Send(signal, i);
            }
            catch (IpcException e)
            {
                error = e;
            }
        }
        Assert.Equal(IpcErrors.SignalQueueFull, error!.Id);
        Assert.Contains("of 3 allowed", error.Message, StringComparison.Ordinal);
        Assert.Contains("RLIMIT_SIGPENDING", error.RecommendedAction, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_user_s_process_is_refused()
    {
        if (GetUserId() == 0) return;
        using var init = SignalTarget.Open(1);
        var error = Assert.Throws<IpcException>(() => init.Send(Signal.Test));
        Assert.Equal(IpcErrors.AccessDenied, error.Id);
        Assert.Contains("the user root", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ignored_and_caught_signals_of_a_process_are_read()
    {
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "sh",
            Arguments = ["-c", "trap '' USR1; trap : USR2; kill -STOP $$; exit"],
        });
        Assert.True(SpinWait.SpinUntil(() => ProcessSignals.Read(child.Id).Caught.Contains(Signal.Parse("USR2")), Limit));
        var state = ProcessSignals.Read(child.Id);
        Assert.True(state.Ignored.Contains(Usr1));
        Assert.True(state.QueueLimit > 0);
        Assert.Equal("sh", state.Name);
        Assert.Equal(child.Id, Assert.Single(ProcessSignals.ReadThreads(child.Id)).ThreadId);
        child.Signal(9);
        Assert.True(child.WaitForExit(Soon));
        Assert.Equal(IpcErrors.ProcessNotFound, Assert.Throws<IpcException>(() => ProcessSignals.Read(child.Id)).Id);
        Assert.Equal(IpcErrors.ProcessNotFound, Assert.Throws<IpcException>(() => ProcessSignals.ReadThreads(child.Id)).Id);
    }

    [Fact]
    public void Processes_are_found_by_name()
    {
        Assert.Contains(ProcessTable.All(), static p => p.ProcessId == Environment.ProcessId && p.Name.Length > 0);
    }

    private static uint GetUserId() => Libc.getuid();
}
