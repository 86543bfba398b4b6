using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>Several processes that share a job's input: <c>Start-IpcJob -Workers</c>. Kills at random moments are among the attacks of
/// IpcPs.Strength.</summary>
public sealed class WorkerTests : JobTests
{
    [Fact]
    public void Ordered_stages_give_each_output_once_and_in_order_also_large_ones()
    {
        var (job, result) = Run(
            """
            Start-IpcJob { 1..600 } |
                Start-IpcJob -Workers 2 -Ordered -Process {
                    if ($_ % 200) { "$_" } else { [string]::new([char]($_ / 200 + 64), 3MB), "$_" }
                } |
                Start-IpcJob -Process { $_ } -Workers 2 -Ordered -Via Ring |
                Start-IpcJob { $next = 1; foreach ($i in $input) {
                    if ($i.Length -gt 10) { "$($i[0]) $($i.Length)" } elseif ($i -ne $next++) { "disorder at $i" } }; $next }
            """);
        Assert.Equal(["A 3145728", "B 3145728", "C 3145728", 601], result.NoErrors().Values);
        Assert.Equal(JobState.Completed, (JobState)job.JobStateInfo.State);
    }

    [Fact]
    public void Only_the_item_fails_that_throws_or_ends_its_worker()
    {
        var (job, result) = Run(
            """
            1..9 | Start-IpcJob -Process {
                "first of $_"
                if ($_ -eq 2) { throw 'thrown' }
                if ($_ -eq 4) { exit 3 }
                if ($_ -eq 6) { [Diagnostics.Process]::GetCurrentProcess().Kill() }
                if ($_ -eq 7) { Write-Error 'written' }
                if ($_ -eq 8) { break }
                "second of $_"
            } -Workers 2 -Ordered -Name failing
            """);
        Assert.Equal(
            new[] { 1, 3, 5, 7, 9 }.SelectMany(static i => new[] { $"first of {i}", $"second of {i}" }), result.Values.Cast<string>());
        var errors = result.Errors.ToDictionary(static e => e.TargetObject switch
        {
            PSObject { BaseObject: int item } => item,
            int item => item,
            _ => e.Exception.Message == "thrown" ? 2 : e.Exception.Message == "written" ? 7 : 0,
        });
        Assert.Equal([0, 2, 4, 6, 7, 8], errors.Keys.Order());
        Expect(errors[4], "IpcWorkerDied", ErrorCategory.OperationStopped, "ended with exit code 3 while it worked on this item.");
        Expect(errors[6], "IpcWorkerDied", ErrorCategory.OperationStopped, "was killed by signal KILL while it worked on this item.");
        Expect(errors[8], "IpcWorkerDied", ErrorCategory.OperationStopped,
            "ended its script (break, continue or exit) while it worked on this item.");
        Assert.StartsWith("Worker ", errors[6].Exception.Message, StringComparison.Ordinal);
        Assert.Equal("-Retry gives such an item to another worker.", errors[6].ErrorDetails.RecommendedAction);
        Assert.Matches("^worker [12] \\(process [0-9]+\\)$", (string)PSObject.AsPSObject(errors[7]).Properties["Worker"].Value);
        Assert.Equal("Job 'failing' (2 workers) failed for 4 of 9 items.", errors[0].Exception.Message);
        Assert.Equal(JobState.Failed, (JobState)job.JobStateInfo.State);
        Assert.Equal((9L, 4L, 0), ((long)job.ItemsDone, (long)job.ItemsFailed, (int)job.ItemsInFlight));
        var workers = Session.Run("$job.Workers").Output;
        Assert.Equal([1, 2], workers.Select(static w => w!.Properties["Id"].Value));
        Assert.Equal(9, workers.Sum(static w => (long)w!.Properties["ItemsDone"].Value));
        Assert.All(workers, static w => Assert.Equal("Ended", w!.Properties["State"].Value.ToString()));
        Assert.Null(job.ProcessId);
        Assert.Null(job.Channel);
    }

    [Fact]
    public void An_item_that_kills_every_worker_fails_when_its_retries_are_used_up()
    {
        var (job, result) = Run(
            """
            1..40 | Start-IpcJob -Process {
                if ($_ -eq 20) { [Diagnostics.Process]::GetCurrentProcess().Kill() }
                $_
            } -Workers 2 -Ordered -Retry 2
            """);
        Assert.Equal(Enumerable.Range(1, 40).Where(static i => i != 20).Cast<object>(), result.Values!);
        Assert.Single(result.Errors, static e => e.FullyQualifiedErrorId.StartsWith("IpcWorkerDied", StringComparison.Ordinal));
        // Each of the three that died had a successor.
        Assert.Equal(40, (long)job.ItemsDone);
        Assert.Equal(1, (long)job.ItemsFailed);
    }

    [Fact]
    public void A_worker_that_dies_before_it_has_begun_an_item_is_replaced_and_no_item_fails()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            // Four processes die, of two workers; an item had been sent to each of them.
            var (job, result) = Run(
                $$"""
                1..40 | Start-IpcJob -Workers 2 -Begin {
                    foreach ($n in 1..4) {
                        try { [IO.File]::Open("{{folder}}/$n", 'CreateNew').Dispose() } catch { continue }
                        [Diagnostics.Process]::GetCurrentProcess().Kill()
                        Start-Sleep 600
                    }
                } -Process { $_ }
                """);
            Assert.Equal(4, Directory.EnumerateFiles(folder).Count());
            Assert.Empty(result.Errors);
            Assert.Equal("Completed", job.JobStateInfo.State.ToString());
            Assert.Equal(Enumerable.Range(1, 40).Cast<object>(), result.Values.Order()!);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_worker_whose_processes_all_die_before_they_begin_fails_the_job()
    {
        var (job, result) = Run("1..4 | Start-IpcJob -Name dying -Workers 2 -Begin { [Environment]::Exit(7) } -Process { $_ }");
        Assert.Equal("Failed", job.JobStateInfo.State.ToString());
        Assert.Empty(result.Values);
        Assert.Contains("ended with exit code 7 before its script ended.", result.Errors.Single().Exception.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_that_dies_when_all_work_is_done_takes_nothing_with_it()
    {
        var (job, result) = Run(
            """
            $started = & {
                1; 2
                while (($job = Get-Job idle -ErrorAction Ignore).ItemsDone -lt 2) { $null = [Threading.Thread]::Yield() }
                $null = /bin/kill -STOP $job.Workers[0].ProcessId
            } | Start-IpcJob -Name idle -Process { $_ } -Workers 2
            # The other one knows that there is no more.
            while ($started.Workers.State -notcontains 'Ended') { $null = [Threading.Thread]::Yield() }
            $null = /bin/kill -KILL $started.Workers[0].ProcessId
            $started
            """);
        Assert.Equal("Completed", job.JobStateInfo.State.ToString());
        Assert.Empty(result.Errors);
        Assert.Equal([1, 2], result.Values.Order());
    }

    [Fact]
    public void A_retried_item_gives_the_output_of_the_time_when_it_went_well()
    {
        var file = Path.GetTempFileName();
        try
        {
            var (_, result) = Run(
                """
                $file = $args[0]
                1..4 | Start-IpcJob -Process {
                    'begun'
                    if ($_ -eq 3 -and @(Get-Content $using:file).Count -lt 2) { Add-Content $using:file 'x'; throw 'not yet' }
                    $_
                } -Workers 1 -Retry 2
                """, file);
            Assert.Equal(["begun", 1, "begun", 2, "begun", 3, "begun", 4], result.NoErrors().Values);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Workers_without_Process_share_the_input_and_a_script_that_fails_ends_the_job()
    {
        var (_, shared) = Run("1..500 | Start-IpcJob { $n = 0; foreach ($i in $input) { $n += $i }; $n } -Workers 2");
        Assert.Equal(2, shared.NoErrors().Values.Count);
        Assert.Equal(125_250, shared.Values.Sum(static v => (int)v!));
        var (_, without) = Run("Start-IpcJob { @($input).Count } -Workers 2");
        Assert.Equal([0, 0], without.NoErrors().Values);
        var (early, first) = Run("Start-IpcJob { 1..1000000 } | Start-IpcJob { $input | Select-Object -First 2 } -Workers 2");
        Assert.Equal(4, first.NoErrors().Values.Count);
        Assert.Equal(JobState.Completed, (JobState)early.JobStateInfo.State);
        var (job, failed) = Run("1..10 | Start-IpcJob { foreach ($i in $input) { if ($i -eq 5) { throw 'enough' } } } -Workers 2");
        Assert.Equal("enough", failed.Errors[0].Exception.Message);
        Assert.Equal(JobState.Failed, (JobState)job.JobStateInfo.State);
    }

    [Fact]
    public void A_stage_that_wants_no_more_ends_the_workers_before_it()
    {
        var (job, result) = Run(
            """
            Start-IpcJob { 1..1000000 } | Start-IpcJob -Process { $_ } -Workers 2 -Ordered -Name workers |
                Start-IpcJob { $input | Select-Object -First 3 }
            """);
        Assert.Equal([1, 2, 3], result.NoErrors().Values);
        Assert.Equal(JobState.Completed, (JobState)job.JobStateInfo.State);
        foreach (var worker in job.ChildJobs[0].Workers) WaitForEnd((int)worker.ProcessId);
    }

    [Fact]
    public void A_worker_that_ignores_TERM_is_killed_by_Stop_Job()
    {
        var name = $"worker-{Environment.ProcessId}-{Guid.NewGuid():N}";
        var result = Session.Run(
            """
            # Inside one call that PowerShell cannot end: reading a FIFO whose writer writes nothing.
            $fifo = New-IpcPipe $args[0]
            $job = 1..2 | Start-IpcJob -Process { [IO.File]::ReadAllText($using:fifo.Path) } -Workers 1
            $writer = Open-IpcObject $fifo.Address -Access Write -Timeout 60
            $id = $job.Workers[0].ProcessId
            Stop-Job $job
            Close-IpcObject $writer
            Remove-IpcObject $fifo
            $job.State; [bool](Get-Process -Id $id -ErrorAction Ignore)
            """, name).NoErrors();
        Assert.Equal(["Stopped", false], result.Values.Select(static v => v is JobState ? v.ToString() : v));
    }

    [Fact]
    public void Begin_and_End_run_once_a_worker_and_records_name_it()
    {
        var result = Session.Run(
            """
            function Get-Half($n) { $n / 2 }
            $half = ${function:Get-Half}
            $job = 1..6 | Start-IpcJob -Begin { "begin $IpcWorker"; $sum = 0 } -End { "sum $sum" } -Process {
                Write-Warning "at $_"
                Write-Progress 'Working' -Id 1
                $sum += Get-Half $_
            } -Workers 1 -InitializationScript { ${function:Get-Half} = $using:half }
            $null = Wait-Job $job -Timeout 60
            @($job.Progress).Activity -contains 'Worker 1: Working'
            Receive-Job $job
            """);
        Assert.Equal([true, "begin 1", "sum 10.5"], result.NoErrors().Values);
        Assert.Equal(6, result.Warnings.Count);
        Assert.Matches("^worker 1 \\(process [0-9]+\\): at 1$", result.Warnings[0]);
    }

    [Fact]
    public void Secrets_reach_workers_and_leave_them_only_through_a_jobs_own_pipes()
    {
        const string Stages =
            """
            [pscredential]::new('me', (ConvertTo-SecureString 'hush' -AsPlainText)) | Start-IpcJob -Process { $_ } -Workers 1 |
                Start-IpcJob { $input | ForEach-Object { $_.GetNetworkCredential().Password } } -Via $args[0]
            """;
        var (_, through) = Run(Stages, "Pipe");
        Assert.Equal(["hush"], through.NoErrors().Values);
        var (_, refused) = Run(Stages, "Queue");
        Assert.Empty(refused.Values);
        Expect(Assert.Single(refused.Errors), "JobStateFailed", ErrorCategory.InvalidResult, "Stage 1 of 2, job ");
        var failure = (ErrorRecord)Session.Run("$job.ChildJobs[0].Failure").Values[0]!;
        Expect(failure, "IpcSecretRefused", ErrorCategory.InvalidArgument, "could not write its output: The value contains a secret");
    }

    [Fact]
    public void Parameters_that_need_Process_say_so()
    {
        Expect(Session.Run("Start-IpcJob { $input } -Workers 2 -Ordered").Error(), "IpcInvalidArgument", ErrorCategory.InvalidArgument,
            "-Ordered needs -Process");
        Expect(Session.Run("Start-IpcJob { $input } -Begin { 1 }").Error(), "IpcInvalidArgument", ErrorCategory.InvalidArgument,
            "-Begin and -End need -Process.");
        Assert.Empty(Session.Run("Get-Job").Output);
    }
}
