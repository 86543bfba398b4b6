using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>One job's output, read by several jobs (-Broadcast).</summary>
public sealed class JobBroadcastTests : JobTests
{
    [Fact]
    public void Every_reader_gets_every_object_in_order_from_the_first_one_on()
    {
        var result = Session.Run(
            """
            $large = [string]::new('x', 3MB)
            $source = (1..200) + $large + 201 | Start-IpcJob -Process { $_ } -Workers 2 -Ordered -Broadcast 3 -Name source
            $check = { $n = 0; foreach ($i in $input) { if ($i -is [string]) { $large = $i.Length } elseif ($i -ne ++$n) { "$i" } }
                "$n $large" }
            $a = $source | Start-IpcJob $check -Name a
            $b = $source | Start-IpcJob -Process { if ($_ -is [int]) { $_ } } -Workers 1 -Ordered -Via Ring -Name b
            $c = $source | Start-IpcJob $check -Via Queue -Name c
            $null = Wait-Job $a, $b, $c, $source -Timeout 60
            "$(($a, $b, $c, $source).State)"
            Receive-Job $a; $received = @(Receive-Job $b); Receive-Job $c
            $received.Count; @(Compare-Object $received (1..201) -SyncWindow 0).Count
            "$($source.Readers.Name) | $($a.Sources.Name) | $($a.Via) $($b.Via) $($c.Via)"
            @($source | Receive-Job).Count
            """).NoErrors();
        Assert.Equal(
            ["Completed Completed Completed Completed", "201 3145728", "201 3145728", 201, 0, "a b c | source | Pipe Ring Queue", 0],
            result.Values);
        // The source is a job of its own: it is in the table of jobs, and not a child job of its readers.
        Assert.Equal([4, 0], Session.Run("@(Get-Job).Count; $a.ChildJobs.Count").Values);
        var error = Session.Run("$source | Start-IpcJob { }").Error();
        Expect(error, "IpcInvalidOperation", ErrorCategory.InvalidOperation,
            "The output of job 'source' already goes to as many jobs as -Broadcast says: 'a', 'b', 'c'.");
        Assert.Equal("Start it with -Broadcast 4.", error.ErrorDetails.RecommendedAction);
    }

    [Fact]
    public void The_slowest_reader_holds_the_job_back_until_it_is_killed()
    {
        // 24 MB would have to be somewhere: the source gets to the end only when the slow reader no longer counts.
        var result = Session.Run(
            """
            $source = Start-IpcJob { 'first'; $block = [byte[]]::new(8000)
                for ($i = 0; $i -lt 3000; $i++) { ,$block }; 'all written' | Send-IpcMessage $IpcParent } -Broadcast 2
            $fast = $source | Start-IpcJob { ($input | Measure-Object).Count }
            $slow = $source | Start-IpcJob {
                foreach ($i in $input) { 'up' | Send-IpcMessage $IpcParent; $null = Receive-IpcMessage $IpcParent }
            }
            Receive-IpcMessage $slow -Timeout 60
            try { Receive-IpcMessage $source -Timeout 0.5 -ErrorAction Stop } catch { $_.FullyQualifiedErrorId -like 'IpcTimeout,*' }
            Send-IpcSignal $slow KILL
            Receive-IpcMessage $source -Timeout 60
            $null = Wait-Job $fast, $slow, $source -Timeout 60
            "$($source.State) $($fast.State) $($slow.State)"; Receive-Job $fast
            """).NoErrors();
        Assert.Equal(["up", true, "all written", "Completed Completed Failed", 3001], result.Values);
    }

    [Fact]
    public void A_reader_that_has_enough_ends_itself_only_and_the_last_one_ends_the_job()
    {
        var result = Session.Run(
            """
            $source = Start-IpcJob { $i = 0; while ($true) { (++$i) } } -Broadcast 2
            $few = $source | Start-IpcJob { foreach ($i in $input) { $i; if ($i -eq 3) { break } } }
            $more = $source | Start-IpcJob { foreach ($i in $input) { if ($i -eq 1) { $null = Receive-IpcMessage $IpcParent }
                if ($i -eq 50000) { $i; break } } }
            $null = Wait-Job $few -Timeout 60
            Receive-Job $few; "$($few.State) $($source.State)"
            Remove-Job $few
            'go on' | Send-IpcMessage $more
            $null = Wait-Job $more, $source -Timeout 60
            Receive-Job $more; "$($more.State) $($source.State)"
            """).NoErrors();
        Assert.Equal([1, 2, 3, "Completed Running", 50000, "Completed Stopped"], result.Values);
    }

    [Fact]
    public void A_killed_job_ends_the_input_of_its_readers_and_each_of_them_names_it()
    {
        var result = Session.Run(
            """
            $source = Start-IpcJob { $i = 0; while ($true) { (++$i) } } -Broadcast 2 -Name source
            $a = $source | Start-IpcJob { foreach ($i in $input) { if ($i -eq 9) { 'up' | Send-IpcMessage $IpcParent } }; 'end' }
            $b = $source | Start-IpcJob { foreach ($i in $input) { }; 'end' } -Via Ring
            $null = Receive-IpcMessage $a -Timeout 60
            Send-IpcSignal $source KILL
            $null = Wait-Job $a, $b, $source -Timeout 60
            "$($a.State) $($b.State) $($source.State)"
            foreach ($job in $a, $b, $source) { Receive-Job $job -ErrorVariable errors 2> $null; $errors.Count; "$errors" }
            "Job 'source' (process $($source.ProcessId)) was killed by signal KILL before its script ended."
            """);
        var reason = result.Values[^1];
        Assert.Equal(["Failed Failed Failed", "end", 1, reason, "end", 1, reason, 1, reason, reason], result.Values);
    }

    [Fact]
    public void A_job_without_all_of_its_readers_waits_until_it_is_stopped()
    {
        var result = Session.Run(
            """
            $source = Start-IpcJob { 'up' | Send-IpcMessage $IpcParent; 1; 'past' | Send-IpcMessage $IpcParent } -Broadcast 2
            $reader = $source | Start-IpcJob { @($input).Count }
            Receive-IpcMessage $source -Timeout 60
            try { Receive-IpcMessage $source -Timeout 0.5 -ErrorAction Stop } catch { $_.FullyQualifiedErrorId -like 'IpcTimeout,*' }
            Stop-Job $source
            $null = Wait-Job $reader -Timeout 60
            "$($source.State) $($reader.State)"; Receive-Job $reader
            Remove-Job $source
            """).NoErrors();
        Assert.Equal(["up", true, "Stopped Completed", 0], result.Values);
        Expect(Session.Run("$source | Start-IpcJob { }").Error(), "IpcInvalidOperation", ErrorCategory.InvalidOperation, "was removed.");
    }

    [Fact]
    public void An_error_that_ends_the_script_is_the_jobs_own_and_the_readers_reason()
    {
        var result = Session.Run(
            """
            $source = Start-IpcJob { 1; throw 'over' } -Broadcast 1 -Name source
            $reader = 10, $source | Start-IpcJob { ($input | Measure-Object -Sum).Sum }
            $null = Wait-Job $reader, $source -Timeout 60
            "$($reader.State) $($source.State)"
            foreach ($job in $reader, $source) { Receive-Job $job -ErrorVariable errors 2> $null; $errors.Count; "$errors" }
            "Job 'source' (process $($source.ProcessId)) failed: over"
            """);
        Assert.Equal(["Failed Failed", 11.0, 1, result.Values[^1], 1, "over", result.Values[^1]], result.Values);
    }

    [Fact]
    public void Nothing_is_left_behind_when_the_parent_is_killed()
    {
        using var parent = Shell.Pwsh.Start(
            """
            $source = Start-IpcJob { while ($true) { [string]::new('x', 1MB) } } -Broadcast 2
            $script = { foreach ($i in $input) { 'running' | Send-IpcMessage $IpcParent; $null = Receive-IpcMessage $IpcParent } }
            $jobs = 1..2 | ForEach-Object { $source | Start-IpcJob $script }
            $jobs | ForEach-Object { $null = Receive-IpcMessage $_ -Timeout 60 }
            "$PID $($source.ProcessId) $($jobs.ProcessId)"
            $null = Receive-IpcMessage $source
            """);
        var ids = parent.ReadLine()!.Split(' ').Select(int.Parse).ToArray();
        parent.Signal(9);
        foreach (var id in ids.Skip(1)) WaitForEnd(id);
        Assert.DoesNotContain(
            Directory.GetFiles("/dev/shm"), f => ids.Any(id => f.Contains($"-{id}-", StringComparison.Ordinal)));
    }
}
