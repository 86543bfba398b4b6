using IpcPs.Module.Tests.Sockets;
using IpcPs.Signals;
using Xunit;

namespace IpcPs.Module.Tests.Signals;

/// <summary>What could end a process, in processes of their own.</summary>
public class SignalShellTests
{
    private const string Storm = """
        $storm = 1..8 | ForEach-Object { $shell = [powershell]::Create(); $shell.AddScript('while ($true) { $a = [byte[]]::new(50000); foreach ($i in 1..100) { $b = "$i" } }').BeginInvoke() }
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
    public async Task The_session_survives_the_module_s_removal_while_signals_pour_in()
    {
        using var child = Shell.Pwsh.Start($$"""
            {{Storm}}
            Wait-IpcSignal RTMIN+4, USR1 -ArmOnly
            'ready'
            # From here on it pours: with nothing registered, the next signal would end the session unless the last ones had just come.
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
                // Some thousands a second: each becomes an event in the child, and events are never removed there.
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
    public void INT_ends_a_cmdlet_that_waits_and_runs_finally_blocks()
    {
        using var child = Shell.Pwsh.Start("$pipe = New-IpcPipe; try { [Console]::WriteLine('ready'); Receive-IpcMessage $pipe } finally { [Console]::WriteLine('finally') }");
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
            # The pool adds a thread or two a second: it would be minutes until it came to what is queued after these.
            foreach ($i in 1..500) { $null = [Threading.Tasks.Task]::Run([Action]$gate.Wait) }
            Use-IpcSignal USR1 { [Console]::WriteLine('cleaning up') } { [Console]::WriteLine('ready'); while ($true) { [Threading.Thread]::Sleep(10) } }
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
            Use-IpcSignal TERM { [Console]::WriteLine("cleaning up after $($_.SenderId)") } { [Console]::WriteLine('ready'); Wait-IpcSignal RTMIN+9 } -Default
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
            'given back'
            Wait-IpcSignal RTMIN+9
            """);
        child.Expect("ready");
        child.Signal(15);
        child.Signal(Signal.Parse("USR1").Number);
        child.Expect("given back");
        child.Signal(15);
        Assert.Equal(143, child.Finish().ExitCode);
    }

    [Fact]
    public void Values_that_are_unknown_are_warned_of_once()
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
    public void A_signal_that_the_session_was_started_with_blocked_arrives_all_the_same()
    {
        var script = """
            Wait-IpcSignal USR1 -ArmOnly
            Send-IpcSignal $PID USR1 -Value 8
            (Wait-IpcSignal USR1).Value
            """;
        var result = Shell.Find("perl")!.RunArguments(
            ["-MPOSIX", "-e", "sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1)); exec @ARGV", Shell.Pwsh.Path, .. Shell.ScriptArguments(script)]);
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
