using IpcPs.Module.Tests.Sockets;
using IpcPs.Signals;
using Xunit;

namespace IpcPs.Module.Tests.Signals;

/// <summary>Signals that could end a process, each in its own process.</summary>
public class SignalShellTests
{
    private const string Storm = """
        $allocate = 'while ($true) { $a = [byte[]]::new(50000); foreach ($i in 1..100) { $b = "$i" } }'
        $storm = 1..8 | ForEach-Object { [powershell]::Create().AddScript($allocate).BeginInvoke() }
        $collector = [powershell]::Create().AddScript('while ($true) { [GC]::Collect(); [Threading.Thread]::Sleep(200) }').BeginInvoke()
        """;

    [Fact]
    public void A_hundred_thousand_arrive_in_a_busy_session()
    {
        using var child = Shell.Pwsh.Start($$"""
            {{Storm}}
            Wait-IpcSignal RTMIN+3 -ArmOnly
            'ready'
            $next = 0
            $wrong = 0
            Wait-IpcSignal RTMIN+3 -Count 100000 | ForEach-Object { if ($_.Value -ne $next++) { $wrong++ } }
            "$next $wrong"
            [Environment]::Exit(0)
            """);
        child.Expect("ready");
        using var target = SignalTarget.Open(child.Id);
        var signal = Signal.Parse("RTMIN+3");
        for (var i = 0; i < 100_000; i++) SendPatiently(target, signal, i);
        child.Expect("100000 0");
        Assert.Equal(0, child.Finish().ExitCode);
    }

    [Fact]
    public async Task The_session_survives_the_removal_of_the_module_while_signals_arrive()
    {
        using var child = Shell.Pwsh.Start($$"""
            {{Storm}}
            Wait-IpcSignal RTMIN+4, USR1 -ArmOnly
            'ready'
            # Signals arrive all the time from now on. While nothing is registered, one would end the session if others had not just
            # arrived.
            $null = Wait-IpcSignal RTMIN+4
            $null = Wait-IpcSignal USR1
            foreach ($i in 1..10) {
                Import-Module '{{Build.Manifest}}' -Force
                Register-IpcSignal RTMIN+4, USR1
                $null = Wait-IpcSignal RTMIN+4
                $null = Wait-IpcSignal USR1
                Remove-Module IpcPs
            }
            'survived'
            [Environment]::Exit(0)
            """);
        child.Expect("ready");
        using var target = SignalTarget.Open(child.Id);
        using var over = new CancellationTokenSource();
        var rain = Task.Run(() =>
        {
            while (!target.HasEnded && !over.IsCancellationRequested)
            {
                SendPatiently(target, Signal.Parse("RTMIN+4"), 1);
                SendPatiently(target, Signal.Parse("USR1"), 1);
                // Some thousands a second. Each becomes an event in the child, which never removes it.
                Thread.Sleep(TimeSpan.FromMicroseconds(100));
            }
        });
        child.Expect("survived");
        Assert.Equal(0, child.Finish().ExitCode);
        over.Cancel();
        await rain;
    }

    [Fact]
    public void A_session_receives_TERM_HUP_and_INT()
    {
        using var child = Shell.Pwsh.Start("""
            Wait-IpcSignal TERM, HUP, INT -ArmOnly
            'ready'
            foreach ($i in 1..3) { $s = Wait-IpcSignal TERM, HUP, INT; "$($s.Signal) $($s.Origin) $($s.SenderId)" }
            'over'
            """);
        child.Expect("ready");
        foreach (var name in new[] { "HUP", "TERM", "INT" })
        {
            child.Signal(Signal.Parse(name).Number);
            child.Expect($"{name} Kill {Environment.ProcessId}");
        }
        child.Expect("over");
        Assert.Equal(0, child.Finish().ExitCode);
    }

    [Fact]
    public void INT_ends_a_command_that_waits_and_runs_finally_blocks()
    {
        using var child = Shell.Pwsh.Start("""
            $pipe = New-IpcPipe
            try { [Console]::WriteLine('ready'); Receive-IpcMessage $pipe } finally { [Console]::WriteLine('finally') }
            """);
        child.Expect("ready");
        child.Signal(2);
        child.Expect("finally");
        child.Finish();
    }

    [Fact]
    public void A_signal_ends_a_script_that_keeps_the_pool_busy()
    {
        using var child = Shell.Pwsh.Start("""
            $gate = [Threading.ManualResetEventSlim]::new()
            # The pool adds one or two threads in a second, so a task that is queued after these would begin minutes later.
            foreach ($i in 1..500) { $null = [Threading.Tasks.Task]::Run([Action]$gate.Wait) }
            Use-IpcSignal USR1 { [Console]::WriteLine('cleaning up') } {
                [Console]::WriteLine('ready')
                while ($true) { [Threading.Thread]::Sleep(10) }
            }
            $gate.Set()
            """);
        child.Expect("ready");
        child.Signal(10);
        child.Expect("cleaning up");
        Assert.Equal(0, child.Finish().ExitCode);
    }

    [Fact]
    public void A_script_cleans_up_and_ends_by_the_signal()
    {
        using var child = Shell.Pwsh.Start("""
            Use-IpcSignal TERM { [Console]::WriteLine("cleaning up after $($_.SenderId)") } -Default {
                [Console]::WriteLine('ready')
                Wait-IpcSignal RTMIN+9
            }
            Wait-IpcSignal RTMIN+9
            """);
        child.Expect("ready");
        child.Signal(15);
        child.Expect($"cleaning up after {Environment.ProcessId}");
        Assert.Equal(143, child.Finish().ExitCode);
    }

    [Fact]
    public void TERM_ends_the_session_again_once_it_is_unregistered()
    {
        using var child = Shell.Pwsh.Start("""
            Wait-IpcSignal USR1 -ArmOnly
            $null = Register-IpcSignal TERM { [Console]::WriteLine('handled') }
            'ready'
            $null = Wait-IpcSignal USR1
            Unregister-IpcSignal TERM
            'restored'
            Wait-IpcSignal RTMIN+9
            """);
        child.Expect("ready");
        child.Signal(15);
        child.Signal(Signal.Parse("USR1").Number);
        child.Expect("restored");
        child.Signal(15);
        Assert.Equal(143, child.Finish().ExitCode);
    }

    [Fact]
    public void One_warning_says_that_values_are_unknown()
    {
        var script = """
            Wait-IpcSignal RTMIN+3 -ArmOnly -WarningVariable first 3>$null
            Wait-IpcSignal USR1 -ArmOnly -WarningVariable second 3>$null
            Send-IpcSignal $PID RTMIN+3 -Value 5
            $s = Wait-IpcSignal RTMIN+3
            "$(@($first).Count) $(@($second).Count) $($s.Signal) $($null -eq $s.Value) $($null -eq $s.SenderId) $($s.Origin)"
            """;
        using var child = Shell.Pwsh.StartArguments(
            Shell.ScriptArguments(script),
            new Dictionary<string, string?> { ["IPCPS_NO_SIGNAL_HANDLERS"] = "1" });
        Assert.Equal("1 0 RTMIN+3 True True Unknown", child.Finish().Succeeded().Output.Trim());
    }

    [NeedsFact("perl")]
    public void A_session_that_was_started_with_a_signal_blocked_receives_it()
    {
        var script = """
            Wait-IpcSignal USR1 -ArmOnly
            Send-IpcSignal $PID USR1 -Value 8
            (Wait-IpcSignal USR1).Value
            """;
        const string BlockAndRun = "sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1)); exec @ARGV";
        var result = Shell.Find("perl")!.RunArguments(["-MPOSIX", "-e", BlockAndRun, Shell.Pwsh.Path, .. Shell.ScriptArguments(script)]);
        Assert.Equal("8", result.Succeeded().Output.Trim());
    }

    private static void SendPatiently(SignalTarget target, Signal signal, long value)
    {
        while (true)
        {
            try
            {
                target.Send(signal, value);
                return;
            }
            catch (IpcException e) when (e.Id == IpcErrors.SignalQueueFull)
            {
                Thread.Yield();
            }
            catch (IpcException e) when (e.Id == IpcErrors.ProcessNotFound)
            {
                return;
            }
        }
    }
}
