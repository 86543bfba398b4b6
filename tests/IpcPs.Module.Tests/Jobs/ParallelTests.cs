using System.Management.Automation;
using System.Text.RegularExpressions;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary><c>Invoke-IpcParallel</c>.</summary>
public sealed class ParallelTests : JobTests
{
    [Fact]
    public void Output_comes_while_input_comes_and_the_end_of_the_consumer_ends_all()
    {
        var result = Session.Run(
            """
            # Endless input, and a consumer that wants three.
            & { for ($i = 1; ; $i++) { $i } } | Invoke-IpcParallel { $_, $PID } -Workers 2 -Ordered | Select-Object -First 3
            """).NoErrors();
        Assert.Equal(1, result.Values[0]);
        Assert.Equal(2, result.Values[2]);
        WaitForEnd((int)result.Values[1]!);
    }

    [Fact]
    public void Ctrl_C_ends_the_workers()
    {
        using var running = Session.Start("1..2 | Invoke-IpcParallel { $PID; [string]::new('x', 2MB); Start-Sleep 1000 } -Workers 1");
        var id = (int)running.WaitForOutput()!.BaseObject;
        Assert.True(running.Stop().WasStopped);
        WaitForEnd(id);
    }

    [Fact]
    public void An_item_that_takes_long_keeps_no_other_item_waiting()
    {
        var name = $"parallel-{Environment.ProcessId}-{Guid.NewGuid():N}";
        var result = Session.Run(
            """
            $queue = New-IpcQueue $args[0]
            $count = 0
            # The tenth item ends when all others have.
            1..300 | Invoke-IpcParallel {
                if ($_ -eq 10) { $null = Receive-IpcMessage $using:queue -Timeout 60 }
                $_
            } -Workers 2 | ForEach-Object { if (++$count -eq 299) { 'go on' | Send-IpcMessage $queue }; $_ }
            Remove-IpcObject $queue
            """, name).NoErrors();
        Assert.Equal(10, result.Values[^1]);
        Assert.Equal(Enumerable.Range(1, 300), result.Values.Cast<int>().Order());
    }

    [Fact]
    public void Limits_on_failures_and_time_end_it_with_an_error()
    {
        var result = Session.Run("1..50 | Invoke-IpcParallel { throw \"no $_\" } -Workers 2 -MaxFailures 2");
        Assert.InRange(result.Errors.Count, 3, 4);
        Expect(result.Errors[^1], "IpcJobFailed", ErrorCategory.OperationStopped,
            "Invoke-IpcParallel was stopped: 2 items failed (-MaxFailures 2).");
        Expect(Session.Run("1 | Invoke-IpcParallel { Start-Sleep 1000 } -Workers 1 -Timeout 3").Error(), "IpcTimeout",
            ErrorCategory.OperationTimeout, "Invoke-IpcParallel was stopped after 3 s (-Timeout).");
        // Long enough for the first item of a worker on a machine that is busy.
        var slow = Session.Run("1..3 | Invoke-IpcParallel { if ($_ -eq 2) { Start-Sleep 1000 }; $_ } -Workers 1 -ItemTimeout 10");
        Assert.Equal([1, 3], slow.Values);
        Expect(slow.Error(), "IpcTimeout", ErrorCategory.OperationTimeout, "The item took longer than 10 s, so its worker 1 (process ");
        Assert.Equal(2, LanguagePrimitives.ConvertTo<int>(slow.Error().TargetObject));
    }

    [Fact]
    public void A_log_tells_a_later_run_what_is_done()
    {
        var log = Path.Combine(Path.GetTempPath(), $"parallel-{Environment.ProcessId}-{Guid.NewGuid():N}.log");
        try
        {
            const string Run = "$args[1] | Invoke-IpcParallel { if ($_ -eq 'bad') { throw 'why' }; \"did $_\" } -Workers 1 -Log $args[0]";
            var first = Session.Run(Run, log, new object[] { "a", "bad", "a" });
            Assert.Equal(["did a", "did a"], first.Values);
            var lines = File.ReadAllLines(log);
            Assert.Equal(3, lines.Length);
            Assert.Matches(
                """^\{"Item":"bad","Worker":1,"Started":"[^"]+","Seconds":[0-9.E-]+,"Result":"Failed","Error":"why"\}$""",
                lines[1]);
            Expect(Session.Run(Run, log, new object[] { "a" }).Error(), "IpcAlreadyExists", ErrorCategory.ResourceExists, "exists already");
            // As after a crash in the middle of a line.
            File.AppendAllText(log, "{\"Item\":\"b\",\"Wor");
            var second = Session.Run(Run + " -Resume -Ordered", log, new object[] { "a", "bad", "a", "a", "b" });
            Assert.Equal(["did a", "did b"], second.Values);
            Assert.Single(second.Errors);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(log));
            Expect(Session.Run("1 | Invoke-IpcParallel { $_ } -Resume").Error(), "IpcInvalidArgument", ErrorCategory.InvalidArgument,
                "-Resume reads the log of an earlier run: name it with -Log.");
        }
        finally
        {
            File.Delete(log);
        }
    }

    [Fact]
    public void As_a_job_it_is_a_job_and_shows_its_items()
    {
        var (job, result) = Run(
            """
            $factor = 3
            1..5 | Invoke-IpcParallel { if ($_ -eq 4) { throw 'four' }; $_ * $using:factor } -Workers 2 -Ordered -AsJob -Name tripled
            """);
        Assert.Equal([3, 6, 9, 15], result.Values);
        Assert.Equal("tripled", job.Name);
        Assert.Equal(JobState.Failed, (JobState)job.JobStateInfo.State);
        Assert.Equal((5L, 1L), ((long)job.ItemsDone, (long)job.ItemsFailed));
        Assert.StartsWith("if ($_ -eq 4)", (string)job.Command, StringComparison.Ordinal);
    }

    [Fact]
    public void Workers_get_what_their_parameters_say()
    {
        var result = Session.Run(
            """
            function Get-Double($n) { 2 * $n }
            $double = ${function:Get-Double}
            1..3 | Invoke-IpcParallel { "$sum $(Get-Double $_) $env:WORKER_TEST $PWD"; $sum++; Write-Warning 'careful' } `
                -Begin { $sum = 5 } -End { "end $sum" } -InitializationScript { ${function:Get-Double} = $using:double } `
                -Environment @{ WORKER_TEST = 'set' } -WorkingDirectory / -Workers 1 -WarningAction SilentlyContinue -WarningVariable warned
            $warned.Count
            $null, 1 | Invoke-IpcParallel { $null -eq $_ } -Ordered
            @() | Invoke-IpcParallel { 'never' }
            """).NoErrors();
        Assert.Equal(["5 2 set /", "6 4 set /", "7 6 set /", "end 8", 3, true, false], result.Values);
    }

    [Fact]
    public void Progress_says_how_many_are_done()
    {
        var records = Session.Run("1..4 | Invoke-IpcParallel { Start-Sleep -Milliseconds 300; $_ } -Workers 1 -Progress")
            .NoErrors().Progress;
        Assert.All(records, static r => Assert.Equal("Invoke-IpcParallel", r.Activity));
        // Which of them a busy machine shows is open.
        Assert.Contains(records, static r => Regex.IsMatch(r.StatusDescription, "^[1-4] of 4 items done, ")
            && r.PercentComplete > 0 && r.SecondsRemaining >= 0);
        Assert.Equal(ProgressRecordType.Completed, records[^1].RecordType);
    }

    [Fact]
    public void Two_at_once_do_not_disturb_each_other()
    {
        var result = Session.Run(
            """
            $jobs = foreach ($add in 100, 200) { 1..50 | Invoke-IpcParallel { $_ + $using:add } -Workers 1 -Ordered -AsJob }
            1..50 | Invoke-IpcParallel { $_ } -Workers 1 | ForEach-Object { $_ } | Measure-Object -Sum | ForEach-Object Sum
            ($jobs[0] | Receive-Job -Wait)[-1]
            ($jobs[1] | Receive-Job -Wait)[-1]
            """).NoErrors();
        Assert.Equal([1275.0, 150, 250], result.Values);
    }
}
