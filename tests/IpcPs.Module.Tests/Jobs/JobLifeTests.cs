using System.Globalization;
using System.Management.Automation;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>A job's states, its ends, and what is left of it: nothing.</summary>
public sealed class JobLifeTests : JobTests
{
    [Fact]
    public void PowerShells_job_commands_know_it()
    {
        var result = Session.Run(
            """
            $job = Start-IpcJob { 1; 2 } -Name counting
            $job.Name; $job.PSJobTypeName; (Get-Job -Name count*).Id -eq $job.Id; (Get-Job $job.Id).InstanceId -eq $job.InstanceId
            $null = Wait-Job -Name counting -Timeout 60
            @(Get-Job -State Completed).Count; $job.HasMoreData; $job.ExitCode
            Receive-Job $job -Keep; Receive-Job $job; $job.HasMoreData
            Remove-Job $job
            @(Get-Job).Count
            """).NoErrors();
        Assert.Equal(["counting", "IpcJob", true, true, 1, true, 0, 1, 2, 1, 2, false, 0], result.Values);
    }

    [Fact]
    public void Stopping_runs_finally_blocks()
    {
        var result = Session.Run(
            """
            $job = Start-IpcJob { try { 'begun' | Send-IpcMessage $IpcParent; Receive-IpcMessage $IpcParent } finally {
                'finally' | Send-IpcMessage $IpcParent } }
            Receive-IpcMessage $job -Timeout 60
            Stop-Job $job
            $job.State
            Receive-IpcMessage $job.Channel -Timeout 60
            """).NoErrors();
        Assert.Equal(["begun", "Stopped", "finally"], result.Values.Select(static v => v!.ToString()));
    }

    [Fact]
    public void Stopping_asks_the_scripts_programs_first_and_leaves_none()
    {
        var file = Path.Combine(Path.GetTempPath(), $"ipcps-stop-{Guid.NewGuid():n}");
        var result = Session.Run(
            """
            $job = Start-IpcJob {
                param($file)
                try {
                    (Start-Process sleep 1000 -PassThru).Id | Send-IpcMessage $IpcParent
                    sh -c "trap 'echo asked >> $file; exit 0' TERM; echo up; while :; do sleep 0.1; done" | Send-IpcMessage $IpcParent
                    [IO.File]::AppendAllText($file, 'next')
                } finally { Start-Sleep -Milliseconds 1; 'finally' >> $file }
            } -ArgumentList $args[0]
            $id = Receive-IpcMessage $job -Timeout 60
            Receive-IpcMessage $job -Timeout 60
            Stop-Job $job
            "$($job.State)"
            Get-Content $args[0]; Remove-Item $args[0]
            # A zombie is gone: its parent is late.
            [bool]((Get-Content "/proc/$id/stat" -ErrorAction Ignore) -match '\) [^ZX] ')
            """, file).NoErrors();
        Assert.Equal(["up", "Stopped", "asked", "finally", false], result.Values);
    }

    [Fact]
    public void What_a_killed_script_ran_ends_too_and_what_it_left_by_itself_stays()
    {
        var result = Session.Run(
            """
            $job = Start-IpcJob { (Start-Process sleep 1000 -PassThru).Id | Send-IpcMessage $IpcParent; Receive-IpcMessage $IpcParent }
            $id = Receive-IpcMessage $job -Timeout 60
            Send-IpcSignal $job KILL
            $null = Wait-Job $job -Timeout 60
            [bool]((Get-Content "/proc/$id/stat" -ErrorAction Ignore) -match '\) [^ZX] ')
            $job = Start-IpcJob { (Start-Process sleep 1000 -PassThru).Id }
            $null = Wait-Job $job -Timeout 60
            $id = Receive-Job $job
            # An error, if it did not run.
            Send-IpcSignal $id KILL
            """).NoErrors();
        Assert.Equal([false], result.Values);
    }

    [Fact]
    public void What_does_not_stop_by_itself_is_killed()
    {
        var result = Session.Run(
            """
            # Inside one call that PowerShell cannot end: reading a FIFO whose writer writes nothing. A stop before it would be a stop.
            $fifo = New-IpcPipe "job-life-$PID-$(New-Guid)"
            $job = Start-IpcJob { 'before'; [IO.File]::ReadAllText($args[0]) } -ArgumentList $fifo.Path
            $writer = Open-IpcObject $fifo.Address -Access Write -Timeout 60
            Stop-Job $job
            Close-IpcObject $writer
            Remove-IpcObject $fifo
            $job.State; $job.Signal; $job.ExitCode
            Receive-Job $job
            """).NoErrors();
        Assert.Equal(["Stopped", "KILL", 137, "before"], result.Values.Select(static v => v is JobState ? v.ToString() : v));
    }

    [Theory]
    [InlineData(9, "KILL", 137)]
    [InlineData(10, "USR1", 138)]
    public void A_killed_child_fails_the_job_with_the_signals_name(int signal, string name, int exitCode)
    {
        Session.Run(
            """
            $job = Start-IpcJob { 'before'; 'begun' | Send-IpcMessage $IpcParent; Receive-IpcMessage $IpcParent } -Name victim
            $null = Receive-IpcMessage $job -Timeout 60
            Send-IpcSignal $job.ProcessId $args[0]
            $null = Wait-Job $job -Timeout 60
            """, signal).NoErrors();
        var result = Session.Run("$job.State; $job.Signal; $job.ExitCode; Receive-Job $job");
        Assert.Equal(["Failed", name, exitCode, "before"], result.Values.Select(static v => v is JobState ? v.ToString() : v));
        var failure = (ErrorRecord)Session.Run("$job.Failure").Single()!;
        Expect(failure, "IpcJobFailed", ErrorCategory.OperationStopped, $"Job 'victim' (process ");
        Assert.Contains($"was killed by signal {name} before its script ended.", failure.Exception.Message, StringComparison.Ordinal);
        // Receive-Job tells why a job failed under an id of its own.
        Expect(result.Error(), "JobStateFailed", ErrorCategory.InvalidResult, failure.Exception.Message);
    }

    [Theory]
    [InlineData("throw 'out'", "OperationStopped", "out")]
    [InlineData("1/0", "NotSpecified", "Attempted to divide by zero.")]
    [InlineData("[Environment]::Exit(7)", "InvalidResult", "ended with exit code 7 before its script ended.")]
    [InlineData("Write-Error 'other' -ErrorAction Continue; exit 3", "InvalidResult", ") ended with exit code 3.")]
    public void A_script_that_fails_fails_the_job(string script, string category, string text)
    {
        var (job, result) = Run("Start-IpcJob ([scriptblock]::Create('$ErrorActionPreference = \"Stop\"; ' + $args[0]))", script);
        Assert.Equal("Failed", job.JobStateInfo.State.ToString());
        Assert.Contains(text, result.Errors[^1].Exception.Message, StringComparison.Ordinal);
        Assert.Equal(category, result.Errors[^1].CategoryInfo.Category.ToString());
        Assert.Single(result.Errors, e => e.Exception.Message.Contains(text, StringComparison.Ordinal));
        Assert.Contains(text, (string)Session.Run("$job.JobStateInfo.Reason.Message").Single()!, StringComparison.Ordinal);
        Assert.NotEqual(0, (int)job.ExitCode);
    }

    [Fact]
    public void Jobs_do_not_wait_for_a_thread_of_a_busy_pool()
    {
        var result = Shell.Pwsh.Run(
            """
            # The pool adds a thread or two a second: it would be minutes until it came to what is queued after these.
            $gate = [Threading.ManualResetEventSlim]::new()
            foreach ($i in 1..500) { $null = [Threading.Tasks.Task]::Run([Action]$gate.Wait) }
            $sum = Start-IpcJob { 1..3 } | Start-IpcJob { ($input | Measure-Object -Sum).Sum }
            $null = Wait-Job $sum -Timeout 60
            Receive-Job $sum
            $endless = Start-IpcJob { while ($true) { Start-Sleep -Milliseconds 10 } }
            Stop-Job $endless
            "$($endless.State)"
            $gate.Set()
            """).Succeeded();
        Assert.Equal(["6", "Stopped"], result.Lines);
    }

    [Fact]
    public void Many_jobs_leave_no_descriptor_and_no_zombie()
    {
        var result = Shell.Pwsh.Run(
            """
            function Batch {
                $jobs = 1..8 | ForEach-Object { Start-IpcJob { $args[0] } -ArgumentList $_ }
                $null = Wait-Job $jobs -Timeout 120
                (Receive-Job $jobs | Measure-Object -Sum).Sum
                Remove-Job $jobs
            }
            # Pipes and pidfds: what the runtime opens for itself is not ours.
            function Count {
                [GC]::Collect(); [GC]::WaitForPendingFinalizers()
                @(Get-ChildItem /proc/self/fd | Where-Object LinkTarget -match '^pipe:|pidfd').Count
            }
            $null = Batch
            $before = Count
            $sums = 1..2 | ForEach-Object { Batch }
            "sums $sums"
            # One that a thread still used when the job released it is closed a moment later: a leak would be one of each of
            # 16 jobs.
            "leak $((Count) - $before -ge 16)"
            # A thread may end while its files are listed.
            $children = Get-Content /proc/self/task/*/children -ErrorAction Ignore
            "children $children"
            """).Succeeded();
        Assert.Equal(["sums 36 36", "leak False", "children "], result.Lines);
    }

    [ProcessOneFact]
    public void Pwsh_as_process_1_knows_how_its_children_ended()
    {
        // There, the .NET runtime waits for every child, from the first program on that PowerShell runs. This waits until it has done so.
        var result = ProcessOneFactAttribute.Run(
            """
            sh -c 'exit 0'
            $library = (New-IpcPipe).Reader.GetType().Assembly
            $options = $library.GetType('IpcPs.Processes.ChildProcessOptions')::new()
            $wait = [ref][Activator]::CreateInstance($library.GetType('IpcPs.Waiting.WaitOptions'))
            $ends = foreach ($script in @('exit 3', 'kill -9 $$') * 5) {
                $options.FileName = 'sh'; $options.Arguments = [string[]]('-c', "kill -STOP `$`$; $script")
                $child = $library.GetType('IpcPs.Processes.ChildProcess')::Start($options)
                while (Test-Path "/proc/$($child.Id)") { $null = $child.Signal(18) }
                $null = $child.WaitForExit($wait)
                "$($child.Exit)"
            }
            "process $PID"; $ends | Sort-Object -Unique
            """).Succeeded();
        Assert.Equal(["process 1", "ended with exit code 3", "was killed by signal KILL"], result.Lines);
    }

    [Theory]
    [InlineData("Receive-IpcMessage $IpcParent")]
    [InlineData("[Threading.Thread]::Sleep(-1)")]
    [InlineData("sleep 1000")]
    public void Children_end_when_their_parent_is_killed(string work)
    {
        using var parent = Shell.Pwsh.Start(
            $"$job = Start-IpcJob {{ (Start-Process sleep 1000 -PassThru).Id | Send-IpcMessage $IpcParent; {work} }}; "
            + "$program = Receive-IpcMessage $job -Timeout 60; \"$($job.ProcessId) $program\"; Receive-IpcMessage $job");
        var ids = parent.ReadLine()!.Split(' ').Select(static i => int.Parse(i, CultureInfo.InvariantCulture)).ToArray();
        parent.Signal(9);
        WaitForEnd(ids[0]);
        WaitForEnd(ids[1]);
    }
}
