using System.Management.Automation;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Signals;

/// <summary>The commands in the test process itself. Each test uses its own signals, because a signal belongs to the whole
/// process.</summary>
[Collection("Signals of the test process")]
public class SignalCommandTests
{
    [Fact]
    public void A_signal_carries_a_value()
    {
        using var session = new ModuleSession();
        var result = session.Run("""
            Wait-IpcSignal RTMIN+3 -ArmOnly
            Send-IpcSignal $PID RTMIN+3 -Value 42
            Send-IpcSignal $PID sigrtmin+3 -Value -7
            Send-IpcSignal $PID RTMIN+3 -Value 0x7e7e7e7efffffffb
            Wait-IpcSignal 37 -Count 3 -Timeout 60
            """);
        result.NoErrors();
        var received = result.Values.Cast<ReceivedSignal>().ToArray();
        // Of the last one, a C program set only the sival_int of the union.
        Assert.Equal([42, -7, -5], received.Select(static r => r.Value!.Value));
        Assert.Equal([42, -7, 0x7e7e7e7efffffffb], received.Select(static r => r.Value64!.Value));
        Assert.All(received, static r => Assert.Equal(Environment.ProcessId, r.SenderId));
    }

    [Fact]
    public void A_signal_compares_with_its_name()
    {
        using var session = new ModuleSession();
        Assert.Equal(true, session.Run("""
            Wait-IpcSignal WINCH -ArmOnly
            Send-IpcSignal $PID WINCH
            $s = Wait-IpcSignal WINCH -Timeout 60
            $s.Signal -eq 'WINCH' -and $s.Signal -eq 'SIGWINCH' -and $s.Signal -ne 'TERM'
            """).Single());
    }

    [Theory]
    [InlineData("Wait-IpcSignal KILL", "IpcSignalRefused", ErrorCategory.InvalidArgument, "The kernel lets no process receive it.")]
    [InlineData("Wait-IpcSignal STOP", "IpcSignalRefused", ErrorCategory.InvalidArgument, "kernel")]
    [InlineData("Wait-IpcSignal SEGV", "IpcSignalRefused", ErrorCategory.InvalidArgument, ".NET runtime")]
    [InlineData("Register-IpcSignal 34", "IpcSignalRefused", ErrorCategory.InvalidArgument, "")]
    [InlineData("Register-IpcSignal 33", "IpcSignalRefused", ErrorCategory.InvalidArgument, "C library")]
    [InlineData("Use-IpcSignal KILL {} {}", "IpcSignalRefused", ErrorCategory.InvalidArgument, "kernel")]
    [InlineData("Wait-IpcSignal RTMIN+4 -Timeout 0", "IpcTimeout", ErrorCategory.OperationTimeout, "RTMIN+4")]
    [InlineData("Wait-IpcSignal RTMIN+4, RTMIN+5 -Timeout 0.01", "IpcTimeout", ErrorCategory.OperationTimeout, "RTMIN+4 or RTMIN+5")]
    [InlineData("Wait-IpcSignal RTMIN+4 -Timeout -1", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "negative")]
    [InlineData("Wait-IpcSignal RTMIN+4 -Count 0", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "-Count")]
    [InlineData("Unregister-IpcSignal RTMIN+6", "IpcInvalidOperation", ErrorCategory.InvalidOperation, "neither registered nor collected")]
    [InlineData("Send-IpcSignal 0", "IpcProcessRefused", ErrorCategory.InvalidArgument, "own group")]
    [InlineData("Send-IpcSignal -- -1", "IpcProcessRefused", ErrorCategory.InvalidArgument, "every process")]
    [InlineData("Send-IpcSignal -Id -5", "IpcProcessRefused", ErrorCategory.InvalidArgument, "group N")]
    [InlineData("Send-IpcSignal 1", "IpcProcessRefused", ErrorCategory.InvalidArgument, "Process 1")]
    [InlineData("Send-IpcSignal 1 -Group", "IpcProcessRefused", ErrorCategory.InvalidArgument, "Group 1")]
    [InlineData("Send-IpcSignal 0 -Group", "IpcProcessRefused", ErrorCategory.InvalidArgument, "process group")]
    [InlineData("Send-IpcSignal 5000000", "IpcProcessNotFound", ErrorCategory.ObjectNotFound, "5000000")]
    [InlineData("Send-IpcSignal 5000000 -Group", "IpcProcessNotFound", ErrorCategory.ObjectNotFound, "5000000")]
    [InlineData("Send-IpcSignal name -Group", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "name")]
    [InlineData("Send-IpcSignal '*'", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "'*' is a name, not a process id. -Name")]
    [InlineData("'no-such' | Send-IpcSignal", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "-Name takes names")]
    [InlineData("Send-IpcSignal -Name no-such-process", "IpcProcessNotFound", ErrorCategory.ObjectNotFound, "no-such-process")]
    [InlineData("Send-IpcSignal $PID Test -StartTime 2001-01-01", "IpcProcessNotFound", ErrorCategory.ObjectNotFound, "has ended")]
    [InlineData("Get-IpcSignal -Id 5000000", "IpcProcessNotFound", ErrorCategory.ObjectNotFound, "5000000")]
    [InlineData("Get-IpcSignal -Id 5000000 -Thread", "IpcProcessNotFound", ErrorCategory.ObjectNotFound, "5000000")]
    [InlineData("Get-IpcSignal NOPE", "IpcInvalidSignal", ErrorCategory.InvalidArgument, "NOPE")]
    [InlineData("Register-IpcSignal RTMIN+7 -SourceIdentifier x; Register-IpcSignal RTMIN+7 -SourceIdentifier x",
        "IpcAlreadyExists", ErrorCategory.ResourceExists, "'x'")]
    public void An_error_names_the_cause(string script, string id, ErrorCategory category, string text)
    {
        using var session = new ModuleSession();
        var error = session.Run(script).Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Wait-IpcSignal NOPE")]
    [InlineData("Send-IpcSignal $PID RTMIN+99")]
    [InlineData("Send-IpcSignal $PID -Signal $null")]
    [InlineData("Send-IpcSignal ''")]
    [InlineData("Send-IpcSignal $null")]
    [InlineData("Send-IpcSignal 5000000000")]
    [InlineData("Send-IpcSignal (Get-Command Get-Command)")]
    [InlineData("Send-IpcSignal $PID Test -Value x")]
    public void A_wrong_signal_or_process_is_not_bound(string script)
    {
        using var session = new ModuleSession();
        Assert.IsAssignableFrom<ParameterBindingException>(session.Run(script).Error().Exception);
    }

    [Fact]
    public void Signals_that_arrived_are_output_before_the_timeout()
    {
        using var session = new ModuleSession();
        var result = session.Run("""
            Wait-IpcSignal RTMIN+8 -ArmOnly
            1..3 | ForEach-Object { Send-IpcSignal $PID RTMIN+8 -Value $_ }
            Wait-IpcSignal RTMIN+8 -Count 5 -Timeout 0.05
            """);
        Assert.Equal("IpcTimeout", ((IpcException)result.Error().Exception).Id.Name);
        Assert.Equal([1, 2, 3], result.Values.Select(static v => ((ReceivedSignal)v!).Value!.Value));
    }

    [Fact]
    public void A_wait_is_ended_by_Ctrl_C()
    {
        using var session = new ModuleSession();
        using var running = session.Start("'waiting'; Wait-IpcSignal RTMIN+9");
        running.WaitForOutput();
        Assert.True(running.Stop().WasStopped);
    }

    [Fact]
    public void Events_wait_for_Get_Event()
    {
        using var session = new ModuleSession();
        var result = session.Run("""
            Register-IpcSignal RTMIN+10 -SourceIdentifier rt -MessageData ([pscustomobject]@{ a = 1 })
            1..100 | ForEach-Object { Send-IpcSignal $PID RTMIN+10 -Value $_ }
            foreach ($i in 1..100) {
                $received = Wait-Event -SourceIdentifier rt -Timeout 60
                $received.SourceEventArgs.Value
                Remove-Event -EventIdentifier $received.EventIdentifier
            }
            $received.MessageData.a
            """).NoErrors();
        Assert.Equal([.. Enumerable.Range(1, 100).Select(static i => (object)i), 1], result.Values);
    }

    [Fact]
    public void An_action_runs_in_the_session_for_each_in_order()
    {
        using var session = new ModuleSession();
        var result = session.Run("""
            $global:seen = [System.Collections.Generic.List[int]]::new()
            $null = Register-IpcSignal RTMIN+11 -MessageData 5 {
                $global:seen.Add($EventArgs.Value)
                $global:sender = $Event.SourceEventArgs.SenderId
                $global:data = $Event.MessageData
            }
            1..500 | ForEach-Object { Send-IpcSignal $PID RTMIN+11 -Value $_ }
            while ($seen.Count -lt 500) { }
            $seen; $sender; $data
            """);
        result.NoErrors();
        Assert.Equal(Enumerable.Range(1, 500).Select(static i => (object)i).Append(Environment.ProcessId).Append(5), result.Values);
    }

    [Fact]
    public void Two_sessions_collect_separately_and_end_separately()
    {
        using var first = new ModuleSession();
        var second = new ModuleSession();
        first.Run("Wait-IpcSignal RTMIN+12 -ArmOnly").NoErrors();
        second.Run("Wait-IpcSignal RTMIN+12 -ArmOnly; Register-IpcSignal RTMIN+12").NoErrors();
        second.Run("Unregister-IpcSignal RTMIN+12").NoErrors();
        const string SendAndWait = "Send-IpcSignal $PID RTMIN+12 -Value $args[0]; (Wait-IpcSignal RTMIN+12 -Timeout 60).Value";
        Assert.Equal(1, first.Run(SendAndWait, 1).Single());
        second.Run("Wait-IpcSignal RTMIN+12 -ArmOnly").NoErrors();
        second.Dispose();
        Assert.Equal(2, first.Run(SendAndWait, 2).Single());
    }

    [Theory]
    [InlineData("Unregister-IpcSignal RTMIN+13")]
    [InlineData("Unregister-IpcSignal -All")]
    [InlineData("Remove-Module IpcPs")]
    [InlineData(null)]
    public void Every_end_of_collecting_restores_the_signal(string? script)
    {
        var signal = Signal.Parse("RTMIN+13");
        var session = new ModuleSession();
        session.Run("Wait-IpcSignal RTMIN+13 -ArmOnly; Register-IpcSignal RTMIN+13").NoErrors();
        Assert.True(ProcessSignals.Read(Environment.ProcessId).Caught.Contains(signal));
        if (script is null)
        {
            session.Dispose();
        }
        else
        {
            session.Run(script).NoErrors();
            Assert.Empty(session.Runspace.Events.Subscribers);
        }
        Assert.False(ProcessSignals.Read(Environment.ProcessId).Caught.Contains(signal));
        Assert.DoesNotContain(ProcessSignals.ReadThreads(Environment.ProcessId), t => t.Blocked.Contains(signal));
        session.Dispose();
    }

    [Fact]
    public void One_signal_of_several_is_unregistered_and_the_others_stay()
    {
        using var session = new ModuleSession();
        session.Run("""
            Register-IpcSignal RTMIN+14, RTMIN+15 -SourceIdentifier both
            Unregister-IpcSignal RTMIN+14
            Send-IpcSignal $PID RTMIN+15 -Value 3
            """).NoErrors();
        var events = session.Runspace.Events;
        Assert.True(SpinWait.SpinUntil(() => events.ReceivedEvents.Count == 1, TimeSpan.FromMinutes(2)));
        Assert.Single(events.Subscribers);
        session.Run("Unregister-IpcSignal RTMIN+15").NoErrors();
        Assert.Empty(events.Subscribers);
    }

    [Fact]
    public void A_count_of_triggers_ends_a_registration()
    {
        var signal = Signal.Parse("RTMAX-6");
        using var session = new ModuleSession();
        session.Run("""
            $global:n = 0
            $null = Register-IpcSignal RTMAX-6 { $global:n++ } -MaxTriggerCount 1
            Send-IpcSignal $PID RTMAX-6
            while (-not $n) { }
            """).NoErrors();
        Assert.True(SpinWait.SpinUntil(() => session.Runspace.Events.Subscribers.Count == 0, TimeSpan.FromMinutes(2)));
        Assert.False(SignalTable.Describe(signal).IsCollected);
    }

    [Fact]
    public void A_signal_ends_the_body_and_the_cleanup_runs()
    {
        using var session = new ModuleSession();
        var result = session.Run("""
            $x = 5
            Use-IpcSignal RTMAX-7 { "cleanup $($_.Value)"; Write-Error cleaned 2>$null } {
                "body $x"; $y = 6
                try {
                    Send-IpcSignal $PID RTMAX-7 -Value 9
                    Send-IpcSignal $PID RTMAX-7 -Value 10
                    Wait-IpcSignal RTMAX-8
                    'never'
                }
                finally { $z = 7 }
            }
            "after $y $z"
            """);
        Assert.Equal(["body 5", "cleanup 9", "after 6 7"], result.Values);
        Assert.False(result.WasTerminated);
        Assert.Null(SignalTable.Describe(Signal.Parse("RTMAX-7")).IsCollected ? "still collected" : null);
    }

    [Fact]
    public void A_body_that_ends_by_itself_needs_no_cleanup()
    {
        using var session = new ModuleSession();
        Assert.Equal("body", session.Run("Use-IpcSignal RTMAX-9 { 'cleanup' } { 'body' }").Single());
        var result = session.Run("Use-IpcSignal RTMAX-9 { 'cleanup' } { throw 'over' }");
        Assert.Equal("over", result.Error().Exception.Message);
        Assert.Empty(result.Values);
        Assert.False(SignalTable.Describe(Signal.Parse("RTMAX-9")).IsCollected);
    }

    [Fact]
    public void Ctrl_C_ends_the_body_without_cleanup()
    {
        using var session = new ModuleSession();
        using var running = session.Start("Use-IpcSignal RTMAX-10 { $global:cleaned = 1 } { 'started'; while ($true) {} }");
        running.WaitForOutput();
        Assert.True(running.Stop().WasStopped);
        Assert.Null(session.Get("cleaned"));
        Assert.False(SignalTable.Describe(Signal.Parse("RTMAX-10")).IsCollected);
    }

    [Fact]
    public void WhatIf_sends_nothing()
    {
        using var session = new ModuleSession();
        session.Run("Wait-IpcSignal RTMAX-11 -ArmOnly; Send-IpcSignal $PID RTMAX-11 -WhatIf").NoErrors();
        Assert.Equal("IpcTimeout", ((IpcException)session.Run("Wait-IpcSignal RTMAX-11 -Timeout 0").Error().Exception).Id.Name);
        session.Run("Unregister-IpcSignal RTMAX-11 -WhatIf").NoErrors();
        Assert.True(SignalTable.Describe(Signal.Parse("RTMAX-11")).IsCollected);
    }

    [Fact]
    public void A_process_that_ignores_TERM_is_killed()
    {
        using var session = new ModuleSession();
        using var stubborn = Start("trap '' TERM; echo ready; read line");
        using var meek = Start("echo ready; read line");
        var result = session.RunWithInput([stubborn.Id, meek.Id], "$input | Send-IpcSignal -Timeout 0.2 -ThenSignal KILL");
        result.NoErrors();
        var deliveries = result.Values.Cast<SignalDelivery>().ToDictionary(static d => d.ProcessId);
        Assert.Equal("TERM", deliveries[meek.Id].EndedBy.ToString());
        Assert.Equal("KILL", deliveries[stubborn.Id].EndedBy.ToString());
        Assert.All(deliveries.Values, static d => Assert.True(d.HasEnded));
    }

    [Fact]
    public void A_process_that_survives_both_signals_is_a_timeout()
    {
        using var session = new ModuleSession();
        using var stubborn = Start("trap '' TERM HUP; echo ready; read line");
        var error = session.Run("Send-IpcSignal $args[0] HUP -Timeout 0.05 -ThenSignal TERM", stubborn.Id).Error();
        Assert.Equal("IpcTimeout", ((IpcException)error.Exception).Id.Name);
        Assert.Contains("after HUP and TERM", error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal(stubborn.Id, error.TargetObject);
    }

    [Fact]
    public void Process_objects_copies_of_them_and_names_are_understood()
    {
        using var session = new ModuleSession();
        using var child = Start("echo ready; read line");
        session.Set("child", child);
        var copy = new PSObject();
        copy.Properties.Add(new PSNoteProperty("Id", child.Id));
        copy.Properties.Add(new PSNoteProperty("ProcessName", "sh"));
        copy.Properties.Add(new PSNoteProperty("StartTime", child.StartTime));
        session.Set("copy", copy);
        session.Run("""
            $child | Send-IpcSignal -Signal Test
            $copy | Send-IpcSignal -Signal Test
            [pscustomobject]@{ ProcessId = $child.Id } | Send-IpcSignal -Signal 0
            """).NoErrors();
        copy.Properties["StartTime"].Value = child.StartTime.AddMinutes(-1);
        Assert.Equal("IpcProcessNotFound", ((IpcException)session.Run("Send-IpcSignal $copy Test").Error().Exception).Id.Name);
        var byName = session.Run("Send-IpcSignal -Name s[h] Test -PassThru").Values.Cast<SignalDelivery>();
        Assert.Contains(child.Id, byName.Select(static d => d.ProcessId));
        Assert.Empty(session.Run("Send-IpcSignal -Name no-such-*").NoErrors().Values);
        child.Kill();
        child.WaitForExit();
        Assert.Equal("IpcProcessNotFound", ((IpcException)session.Run("Send-IpcSignal $child").Error().Exception).Id.Name);
    }

    [Fact]
    public void The_table_has_all_64_signals_and_finds_them_by_wildcard()
    {
        using var session = new ModuleSession();
        Assert.Equal(64, session.Run("Get-IpcSignal").Values.Count);
        Assert.Equal(["USR1", "USR2"], session.Run("Get-IpcSignal usr*").Values.Select(static v => v!.ToString()));
        Assert.Equal("TERM", session.Run("(Get-IpcSignal SIGTERM).Name").Single());
        Assert.Equal(15, session.Run("Get-IpcSignal TERM | ForEach-Object Number").Single());
        Assert.Equal(Environment.ProcessId, session.Run("(Get-IpcSignal -Id $PID).ProcessId").Single());
        Assert.True((int)session.Run("@(Get-IpcSignal -Id $PID -Thread).Count").Single()! > 1);
    }

    [Fact]
    public void Names_are_completed()
    {
        using var session = new ModuleSession();
        static IEnumerable<string> Complete(ModuleSession s, string text)
        {
            using var shell = PowerShell.Create(s.Runspace);
            var completion = CommandCompletion.CompleteInput(text, text.Length, null, shell);
            return completion.CompletionMatches.Select(static m => m.CompletionText).ToArray();
        }

        Assert.Equal(["TERM"], Complete(session, "Send-IpcSignal 1 TER"));
        Assert.Equal(["SIGUSR1", "SIGUSR2"], Complete(session, "Wait-IpcSignal SIGUS"));
        Assert.DoesNotContain("KILL", Complete(session, "Wait-IpcSignal KIL"));
    }

    private static System.Diagnostics.Process Start(string script)
    {
        var start = new System.Diagnostics.ProcessStartInfo("sh", ["-c", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var process = System.Diagnostics.Process.Start(start)!;
        Assert.Equal("ready", process.StandardOutput.ReadLine());
        return process;
    }
}
