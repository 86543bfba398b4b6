using System.Diagnostics;
using System.Management.Automation;
using IpcPs.Addresses;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>Pipelines of jobs, through every mechanism that carries one.</summary>
public sealed class JobPipelineTests : JobTests
{
    /// <summary>What -Via takes.</summary>
    public static TheoryData<string> Mechanisms => ["Pipe", "Fifo", "Unix", "SeqPacket", "Tcp", "Queue", "SysVQueue", "Ring"];

    // Three processes for many questions, because the start of a process is what such a test costs: the order, also of what was written
    // before there was a reader; large objects; values beside a job; a slow reader that holds two stages back; the end.
    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void Everything_arrives_in_order_and_a_slow_reader_holds_its_writers_back(string via)
    {
        // 24 MB would have to be somewhere: the first stage gets to the end only when the last one reads on. What it wrote before it had a
        // reader is kept by this process.
        var (job, result) = Run(
            """
            $first = Start-IpcJob { 1..100; 'up' | Send-IpcMessage $IpcParent; $null = Receive-IpcMessage $IpcParent; 101..2000
                [string]::new('x', 2MB); [datetime]'2026-01-02'; $block = [byte[]]::new(8000)
                for ($i = 0; $i -lt 3000; $i++) { ,$block }; 'all written' | Send-IpcMessage $IpcParent }
            $null = Receive-IpcMessage $first -Timeout 60
            $middle = $first | Start-IpcJob { $input | ForEach-Object { ,$_ } } -Via $args[0]
            $last = 'a value', $middle | Start-IpcJob {
                $next = 1; $blocks = 0
                foreach ($i in $input) {
                    if ($i -is [byte[]]) { $blocks++; continue }
                    if ($i -isnot [int] -or $i -ne $next++) { $i }
                    if ($i -eq 2000) { 'slow' | Send-IpcMessage $IpcParent; $null = Receive-IpcMessage $IpcParent }
                }
                "$next $blocks"
            } -Via $args[0]
            'go on' | Send-IpcMessage $first
            $said = @(Receive-IpcMessage $last -Timeout 60)
            try { Receive-IpcMessage $first -Timeout 0.5 -ErrorAction Stop }
            catch { $said += $_.FullyQualifiedErrorId -like 'IpcTimeout,*' }
            'go on' | Send-IpcMessage $last
            $said += Receive-IpcMessage $first -Timeout 60
            $last | Add-Member Said $said -PassThru
            """, via);
        Assert.Equal(["a value", new string('x', 2 * 1024 * 1024), new DateTime(2026, 1, 2), "2001 3000"], result.NoErrors().Values);
        Assert.Equal(JobState.Completed, (JobState)job.JobStateInfo.State);
        Assert.Equal(["slow", true, "all written"], Session.Run("$job.Said").Values);
    }

    [Theory]
    [InlineData("Queue")]
    [InlineData("Tcp")]
    public void What_had_ended_before_it_was_connected_loses_nothing(string via)
    {
        var (_, result) = Run(
            """
            $early = Start-IpcJob { 1..100 }
            $null = Wait-Job $early -Timeout 60
            $early | Start-IpcJob { ($input | Measure-Object -Sum).Sum } -Via $args[0]
            """, via);
        Assert.Equal([5050.0], result.NoErrors().Values);
    }

    // A tree of seven processes, of which one after the other ends early or is killed: a stage that has enough, one in the middle, a first
    // one, and at last the last one. The others go on until then.
    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void A_stage_that_ends_early_or_is_killed_ends_what_is_before_it_and_nothing_else_and_leaves_nothing(string via)
    {
        Session.Run(
            """
            $source = { $null = Receive-IpcMessage $IpcParent; while ($true) { "$args"; "$args" + [string]::new('x', 100KB) } }
            $a = Start-IpcJob $source -ArgumentList a -Name a
            $enough = $a | Start-IpcJob { foreach ($i in $input) { 'enough'; break } } -Via $args[0] -Name enough
            $b = Start-IpcJob $source -ArgumentList b -Name b
            $middle = $b | Start-IpcJob { foreach ($i in $input) { $i } } -Via $args[0] -Name middle
            $first = Start-IpcJob $source -ArgumentList first -Name first
            $d = Start-IpcJob $source -ArgumentList d -Name d
            $last = $enough, $middle, $first, $d | Start-IpcJob {
                $seen = @{}
                foreach ($i in $input) {
                    if ($i.Length -gt 10) { continue }
                    if ($seen.Count -eq 4) { if ($i -eq 'd') { $say = 'goes on' } else { continue } }
                    else { $seen[$i] = $true; if ($seen.Count -lt 4) { continue }; $say = 'seen ' + ($seen.Keys | Sort-Object) }
                    $say | Send-IpcMessage $IpcParent
                    # The transport fills up.
                    $null = Receive-IpcMessage $IpcParent
                }
            } -Via $args[0] -Name last
            $a, $b, $first, $d | ForEach-Object { 'go' | Send-IpcMessage $_ }
            """, via).NoErrors();
        Assert.Equal("seen b d enough first", Session.Run("Receive-IpcMessage $last -Timeout 60").Single());
        Assert.Equal(["Completed", 0, "Stopped"], Session.Run(
            "$null = Wait-Job $enough -Timeout 60; [string]$enough.State; $enough.ExitCode; [string]$a.State").Values);
        Assert.Equal(["Failed", 137, "Stopped"], Session.Run(
            "Send-IpcSignal $middle KILL; $null = Wait-Job $middle -Timeout 60; [string]$middle.State; $middle.ExitCode; [string]$b.State")
            .Values);
        Assert.Equal(["Failed", 137, "Running", "Running"], Session.Run(
            "Send-IpcSignal $first KILL; $null = Wait-Job $first -Timeout 60; [string]$first.State; $first.ExitCode; $last, $d | "
            + "ForEach-Object { [string]$_.State }").Values);
        Assert.Equal(["goes on"], Session.Run("'go' | Send-IpcMessage $last; Receive-IpcMessage $last -Timeout 60").NoErrors().Values);
        Assert.Equal(["Failed", 137, "Stopped"], Session.Run(
            "Send-IpcSignal $last KILL; $null = Wait-Job $last -Timeout 60; [string]$last.State; $last.ExitCode; [string]$d.State").Values);
        var processes = Session.Run("$a, $enough, $b, $middle, $first, $d, $last | ForEach-Object ProcessId").Values.Cast<int>().ToArray();
        AssertNothingIsLeft(processes);
        foreach (var (name, stage) in new[] { ("middle", 2), ("first", 1), ("last", 3) })
        {
            var failure = (ErrorRecord)Session.Run($"${name}.Failure").Single()!;
            Expect(failure, "IpcJobFailed", ErrorCategory.OperationStopped,
                $"Stage {stage} of 3, job '{name}' (process {Session.Run($"${name}.ProcessId").Single()}), was killed by signal KILL");
        }
    }

    [Fact]
    public void The_failure_of_a_stage_is_that_of_the_pipeline()
    {
        Session.Run(
            """
            $first = Start-IpcJob { $i = 0; while ($true) { (++$i) } } -Name source
            $second = $first | Start-IpcJob { foreach ($i in $input) { if ($i -eq 5) {
                'running' | Send-IpcMessage $IpcParent } } } -Name sink
            $null = Receive-IpcMessage $second -Timeout 60
            Send-IpcSignal $first KILL
            $null = Wait-Job $second -Timeout 60
            """).NoErrors();
        var result = Session.Run("[string]$second.State; [string]$first.State; Receive-Job $second");
        Assert.Equal(["Failed", "Failed"], result.Values);
        var failure = (ErrorRecord)Session.Run("$second.Failure").Single()!;
        Expect(failure, "IpcJobFailed", ErrorCategory.OperationStopped, "Stage 1 of 2, job 'source' (process ");
        Assert.Contains("was killed by signal KILL", failure.Exception.Message, StringComparison.Ordinal);
        // Receive-Job tells why a job failed under an id of its own.
        Expect(result.Error(), "JobStateFailed", ErrorCategory.InvalidResult, failure.Exception.Message);
    }

    [Fact]
    public void A_last_stage_that_has_enough_ends_all_before_it()
    {
        var (job, result) = Run(
            """
            Start-IpcJob { $i = 0; while ($true) { (++$i) } } |
                Start-IpcJob { foreach ($i in $input) { $i } } -Via Ring |
                Start-IpcJob { foreach ($i in $input) { $i; if ($i -eq 3) { break } } } -Via SysVQueue
            """);
        Assert.Equal([1, 2, 3], result.NoErrors().Values);
        Assert.Equal(JobState.Completed, (JobState)job.JobStateInfo.State);
        Assert.Equal(
            ["Stopped", "Stopped"],
            Session.Run("$job.ChildJobs | ForEach-Object { [string]$_.State; $_.ChildJobs | ForEach-Object { [string]$_.State } }").Values);
    }

    [Theory]
    [InlineData("Unix")]
    [InlineData("Queue")]
    [InlineData("SysVQueue")]
    public void Values_for_a_stage_that_has_enough_are_no_error(string via)
    {
        var (_, result) = Run("1..100000 | Start-IpcJob { foreach ($i in $input) { $i; break } } -Via $args[0]", via);
        Assert.Equal([1], result.NoErrors().Values);
    }

    // One pipeline through all of them, full of large objects, of which those of queues, rings and seqpacket sockets are in shared memory
    // on their way. The reader of the last System V queue is killed too, before its parent can see that. And a job with workers, whose
    // input only the parent itself reads and writes.
    [Fact]
    public void Nothing_is_left_behind_when_the_parent_is_killed()
    {
        using var parent = Shell.Pwsh.Start(
            """
            $job = Start-IpcJob { while ($true) { [string]::new('x', 1MB) } }
            $stages = @($job)
            foreach ($via in 'Pipe', 'Fifo', 'Unix', 'SeqPacket', 'Tcp', 'SysVQueue', 'Queue', 'Ring') {
                $stages += $job = $job | Start-IpcJob { foreach ($i in $input) { $i } } -Via $via
            }
            $stages += $job = $job | Start-IpcJob { foreach ($i in $input) { 'running' | Send-IpcMessage $IpcParent
                $null = Receive-IpcMessage $IpcParent } } -Via SysVQueue
            $null = Receive-IpcMessage $job -Timeout 180
            $shared = 1, 2 | Start-IpcJob { foreach ($i in $input) { 'running' | Send-IpcMessage $IpcParent
                $null = Receive-IpcMessage $IpcParent } } -Via SysVQueue -Workers 1
            $null = Receive-IpcMessage $shared.Workers[0].Channel -Timeout 60
            "$PID $($shared.Workers.ProcessId) $($stages.ProcessId)"
            $null = Receive-IpcMessage $stages[0]
            """);
        var processes = parent.ReadLine()!.Split(' ').Select(int.Parse).ToArray();
        Assert.Equal(12, processes.Length);
        Assert.Equal(3, QueuesOf(processes).Length);
        parent.Signal(19);
        using (var last = Process.GetProcessById(processes[^1])) last.Kill();
        parent.Signal(9);
        foreach (var process in processes[1..]) WaitForEnd(process);
        AssertNothingIsLeft(processes);
    }

    [Fact]
    public void Errors_of_every_stage_reach_the_last_one()
    {
        var (job, result) = Run(
            "Start-IpcJob { 1; [Console]::Error.WriteLine('first'); 2; throw 'over' } | "
            + "Start-IpcJob { foreach ($i in $input) { $i * 2 } }");
        Assert.Equal([2, 4], result.Values);
        Assert.Equal("Failed", job.JobStateInfo.State.ToString());
        Assert.Contains(result.Errors, static e => e.Exception.Message == "first");
        Assert.Contains(result.Errors, static e => e.Exception.Message.Contains("over", StringComparison.Ordinal));
    }

    private static void AssertNothingIsLeft(int[] processes)
    {
        var names = processes.Select(static id => $"ipcps-transport-{id}-").Concat(processes.Select(static id => $"ipcps-large-{id}-"))
            .ToArray();
        string[] folders = ["/dev/shm", RuntimeFolder.Path];
        foreach (var file in folders.Where(Directory.Exists).SelectMany(Directory.EnumerateFileSystemEntries))
            Assert.DoesNotContain(names, name => file.Contains(name, StringComparison.Ordinal));
        Assert.Empty(QueuesOf(processes));
    }

    /// <summary>The System V queues without a key that one of these processes sent to or received from last.</summary>
    private static string[] QueuesOf(int[] processes)
    {
        const int Key = 0, LastSender = 5, LastReceiver = 6;
        return
        [
            .. from line in File.ReadLines("/proc/sysvipc/msg").Skip(1)
               let columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
               where columns[Key] == "0" && processes.Any(id => columns[LastSender] == $"{id}" || columns[LastReceiver] == $"{id}")
               select line,
        ];
    }
}
