using System.Management.Automation;
using IpcPs.Signals;
using IpcPs.Tests;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>Pipelines of jobs, through every mechanism that carries one.</summary>
public sealed class JobPipelineTests : JobTests
{
    /// <summary>What -Via takes.</summary>
    public static TheoryData<string> Mechanisms => ["Pipe", "Unix", "Tcp", "Queue", "Ring"];

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void Objects_flow_from_child_to_child_in_order_and_large_ones_too(string via)
    {
        var (job, result) = Run(
            """
            Start-IpcJob { 1..5000; [string]::new('x', 2MB); [datetime]'2026-01-02' } |
                Start-IpcJob { $input | ForEach-Object { $_ } } -Via $args[0] |
                Start-IpcJob { $next = 1; foreach ($i in $input) { if ($i -is [int] -and $i -ne $next++) { "disorder at $i" } elseif ($i -isnot [int]) { $i } }; $next } -Via $args[0]
            """, via);
        Assert.Equal([new string('x', 2 * 1024 * 1024), new DateTime(2026, 1, 2), 5001], result.NoErrors().Values);
        Assert.Equal(JobState.Completed, (JobState)job.JobStateInfo.State);
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void What_ran_before_it_was_connected_loses_nothing_and_keeps_its_order(string via)
    {
        var (_, result) = Run(
            """
            $early = Start-IpcJob { 1..100 }
            $null = Wait-Job $early -Timeout 60
            $running = Start-IpcJob { 101..150; 'said' | Send-IpcMessage $IpcParent; $null = Receive-IpcMessage $IpcParent; 151..200 }
            $null = Receive-IpcMessage $running -Timeout 60
            $checked = $running | Start-IpcJob { $n = 0; $ok = $true; foreach ($i in $input) { $n++; $ok = $ok -and $i -eq 100 + $n }; "$n $ok" } -Via $args[0]
            'go on' | Send-IpcMessage $running
            $checked, $early | Start-IpcJob { $sum = 0; foreach ($i in $input) { if ($i -is [int]) { $sum += $i } else { $i } }; $sum } -Via $args[0]
            """, via);
        Assert.Equal(["100 True", 5050], result.NoErrors().Values);
    }

    [Theory]
    [InlineData("Tcp")]
    [InlineData("Ring")]
    public void Values_and_jobs_can_be_mixed(string via)
    {
        var (_, result) = Run("1..5 + (Start-IpcJob { 10..14 }) | Start-IpcJob { ($input | Measure-Object -Sum).Sum } -Via $args[0]", via);
        Assert.Equal([75.0], result.NoErrors().Values);
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void A_slow_reader_holds_its_writer_back(string via)
    {
        // 24 MB would have to be somewhere: the writer gets to the end only when the reader reads on. What it wrote before it had a reader would be kept by this process,
        // so it goes on when the reader has had its first object.
        var result = Session.Run(
            """
            $writer = Start-IpcJob { 'first'; $null = Receive-IpcMessage $IpcParent; $block = [byte[]]::new(8000); for ($i = 0; $i -lt 3000; $i++) { ,$block }; 'all written' | Send-IpcMessage $IpcParent }
            $reader = $writer | Start-IpcJob {
                $n = 0
                foreach ($i in $input) {
                    if ($i -is [byte[]]) { $n++; continue }
                    'up' | Send-IpcMessage $IpcParent
                    $null = Receive-IpcMessage $IpcParent
                }
                $n
            } -Via $args[0]
            Receive-IpcMessage $reader -Timeout 60
            'go' | Send-IpcMessage $writer
            try { Receive-IpcMessage $writer -Timeout 0.5 -ErrorAction Stop } catch { $_.FullyQualifiedErrorId -like 'IpcTimeout,*' }
            'go' | Send-IpcMessage $reader
            Receive-IpcMessage $writer -Timeout 60
            $null = Wait-Job $reader -Timeout 60
            Receive-Job $reader
            """, via);
        Assert.Equal(["up", true, "all written", 3000], result.NoErrors().Values);
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void A_stage_that_has_enough_ends_the_ones_before_it(string via)
    {
        var (job, result) = Run(
            """
            Start-IpcJob { $i = 0; while ($true) { (++$i) } } |
                Start-IpcJob { foreach ($i in $input) { $i } } -Via $args[0] |
                Start-IpcJob { foreach ($i in $input) { $i; if ($i -eq 3) { break } } } -Via $args[0]
            """, via);
        Assert.Equal([1, 2, 3], result.NoErrors().Values);
        Assert.Equal(JobState.Completed, (JobState)job.JobStateInfo.State);
        Assert.Equal(["Stopped", "Stopped"], Session.Run("$job.ChildJobs | ForEach-Object { [string]$_.State; $_.ChildJobs | ForEach-Object { [string]$_.State } }").Values);
    }

    [Theory]
    [InlineData("Unix")]
    [InlineData("Queue")]
    public void Values_for_a_stage_that_has_enough_are_no_error(string via)
    {
        var (_, result) = Run("1..100000 | Start-IpcJob { foreach ($i in $input) { $i; break } } -Via $args[0]", via);
        Assert.Equal([1], result.NoErrors().Values);
    }

    [Theory]
    [InlineData("Pipe", 0)]
    [InlineData("Unix", 1)]
    [InlineData("Tcp", 0)]
    [InlineData("Queue", 0)]
    [InlineData("Queue", 1)]
    [InlineData("Ring", 0)]
    [InlineData("Ring", 1)]
    public void A_killed_stage_is_named_and_ends_the_pipeline(string via, int victim)
    {
        Session.Run(
            """
            $first = Start-IpcJob { $i = 0; while ($true) { (++$i) } } -Name source
            $second = $first | Start-IpcJob { foreach ($i in $input) { if ($i -eq 5) { 'running' | Send-IpcMessage $IpcParent } } } -Name sink -Via $args[0]
            $null = Receive-IpcMessage $second -Timeout 60
            Send-IpcSignal ($first, $second)[$args[1]].ProcessId KILL
            $null = Wait-Job $second -Timeout 60
            """, via, victim).NoErrors();
        var result = Session.Run("[string]$second.State; [string]$first.State; Receive-Job $second");
        Assert.Equal(["Failed", victim == 0 ? "Failed" : "Stopped"], result.Values);
        var failure = (ErrorRecord)Session.Run("$second.Failure").Single()!;
        var name = victim == 0 ? "Stage 1 of 2, job 'source' (process " : "Stage 2 of 2, job 'sink' (process ";
        Expect(failure, "IpcJobFailed", ErrorCategory.OperationStopped, name);
        Assert.Contains("was killed by signal KILL", failure.Exception.Message, StringComparison.Ordinal);
        // Receive-Job tells why a job failed under an id of its own.
        Expect(result.Error(), "JobStateFailed", ErrorCategory.InvalidResult, failure.Exception.Message);
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void Nothing_is_left_behind_even_when_the_parent_is_killed(string via)
    {
        // Large objects, as those of queues and rings lie in shared memory on their way.
        using var parent = Shell.Pwsh.Start(
            $$"""
            $first = Start-IpcJob { while ($true) { [string]::new('x', 1MB) } }
            $second = $first | Start-IpcJob { foreach ($i in $input) { 'running' | Send-IpcMessage $IpcParent; $null = Receive-IpcMessage $IpcParent } } -Via {{via}}
            $null = Receive-IpcMessage $second -Timeout 60
            "$PID $($first.ProcessId) $($second.ProcessId)"
            $null = Receive-IpcMessage $first
            """);
        var ids = parent.ReadLine()!.Split(' ').Select(int.Parse).ToArray();
        parent.Signal(9);
        WaitForEnd(ids[1]);
        WaitForEnd(ids[2]);
        Assert.DoesNotContain(Directory.GetFiles("/dev/shm"), f => f.Contains($"ipcps-transport-{ids[0]}-", StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.GetFiles("/dev/shm"), f => f.Contains($"ipcps-large-{ids[1]}-", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Queue")]
    [InlineData("Ring")]
    public void Large_objects_that_nobody_received_are_removed(string via)
    {
        var result = Session.Run(
            """
            $first = Start-IpcJob { while ($true) { [string]::new('x', 1MB) } }
            $second = $first | Start-IpcJob { foreach ($i in $input) { 'running' | Send-IpcMessage $IpcParent; $null = Receive-IpcMessage $IpcParent } } -Via $args[0]
            $null = Receive-IpcMessage $second -Timeout 60
            Send-IpcSignal $second.ProcessId KILL
            $null = Wait-Job $second -Timeout 60
            $first.ProcessId
            """, via);
        Assert.DoesNotContain(Directory.GetFiles("/dev/shm"), f => f.Contains($"ipcps-large-{result.Single()}-", StringComparison.Ordinal));
    }

    [Fact]
    public void Errors_of_every_stage_reach_the_last_one()
    {
        var (job, result) = Run("Start-IpcJob { 1; [Console]::Error.WriteLine('first'); 2; throw 'over' } | Start-IpcJob { foreach ($i in $input) { $i * 2 } }");
        Assert.Equal([2, 4], result.Values);
        Assert.Equal("Failed", job.JobStateInfo.State.ToString());
        Assert.Contains(result.Errors, static e => e.Exception.Message == "first");
        Assert.Contains(result.Errors, static e => e.Exception.Message.Contains("over", StringComparison.Ordinal));
    }
}
