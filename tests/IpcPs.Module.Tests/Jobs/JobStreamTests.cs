using System.Management.Automation;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>What goes into a job, and what comes out of it.</summary>
public sealed class JobStreamTests : JobTests
{
    [Fact]
    public void Every_stream_comes_back_as_what_it_was()
    {
        var (job, result) = Run(
            """
            Start-IpcJob {
                $VerbosePreference = $DebugPreference = 'Continue'
                'out'
                Write-Error 'bad' -ErrorId Test.Id -Category ResourceBusy -TargetObject 42
                Write-Warning 'careful'; Write-Verbose 'detail'; Write-Debug 'internal'; Write-Information 'news' -Tags tag
                Write-Progress 'counting' 'half' -PercentComplete 50
                [Console]::Error.WriteLine('past the streams')
            }
            """);
        Assert.Equal("Completed", job.JobStateInfo.State.ToString());
        Assert.Equal(["out"], result.Values);
        Assert.Equal(["careful"], result.Warnings);
        Assert.Contains("news", result.Information);
        var errors = result.Errors.OrderBy(static e => e.FullyQualifiedErrorId, StringComparer.Ordinal).ToArray();
        Assert.Equal(2, errors.Length);
        Expect(errors[0], "IpcJobStandardError", ErrorCategory.NotSpecified, "past the streams");
        Expect(errors[1], "Test.Id", ErrorCategory.ResourceBusy, "bad");
        Assert.Equal(42, errors[1].TargetObject);

        // Which streams Receive-Job shows depends on preferences; the job has them all.
        Session.Run("""
            $job = Start-IpcJob { Write-Verbose 'detail' -Verbose; Write-Debug 'internal' -Debug; Write-Progress 'counting' 'half' }
            $null = Wait-Job $job -Timeout 60
            """).NoErrors();
        Assert.Equal(
            ["detail", "internal", "counting", "half"],
            Session.Run(
            "$job.Verbose[0].Message; $job.Debug[0].Message; $job.Progress[0].Activity; $job.Progress[0].StatusDescription").Values);
    }

    [Fact]
    public void A_job_that_ends_while_Receive_Job_writes_what_came_before_is_removed_once()
    {
        var result = Session.Run(
            """
            $job = Start-IpcJob { 1; $null = Receive-IpcMessage $IpcParent }
            while ($job.Output.Count -eq 0) { $null = [Threading.Thread]::Yield() }
            Receive-Job $job -Wait -AutoRemoveJob | ForEach-Object {
                'end' | Send-IpcMessage $job.Channel
                while ($job.State -eq 'Running') { $null = [Threading.Thread]::Yield() }
                $_
            }
            @(Get-Job | Where-Object InstanceId -EQ $job.InstanceId).Count
            """).NoErrors();
        Assert.Equal([1, 0], result.Values.Where(static v => v is int));
    }

    [Fact]
    public void Receive_Job_does_not_keep_what_it_has_written()
    {
        var result = Session.Run(
            """
            $job = Start-IpcJob { foreach ($i in 1..500) { [pscustomobject]@{ I = $i } }; $null = Receive-IpcMessage $IpcParent; 'last' }
            $written = [Collections.Generic.List[WeakReference]]::new()
            Receive-Job $job -Wait -AutoRemoveJob | ForEach-Object {
                if ($_ -is [string]) {
                    [GC]::Collect(); [GC]::WaitForPendingFinalizers(); [GC]::Collect()
                    $written.Count
                    $written.FindAll({ param($one) $one.IsAlive }).Count
                }
                else {
                    $written.Add([WeakReference]::new($_))
                    if ($written.Count -eq 500) { 'go on' | Send-IpcMessage $job.Channel }
                }
            }
            """).NoErrors();
        Assert.Equal(500, result.Values[0]);
        Assert.InRange((int)result.Values[1]!, 0, 50);
    }

    [Fact]
    public void Received_at_the_end_all_streams_come_in_the_order_of_writing()
    {
        var result = Session.Run(
            """
            $job = Start-IpcJob {
                'one'; Write-Error 'two'; 'three'; Write-Host 'four'; Write-Warning 'five'; $null; 'six'; throw 'seven'
            }
            $null = Wait-Job $job -Timeout 60
            $kept = Receive-Job $job -Keep *>&1 | ForEach-Object { "$_" }
            $job.Output.Count
            $kept -join ' '
            # What is received is gone from each stream as well: a job does not keep it twice, or forever.
            (Receive-Job $job *>&1 | ForEach-Object { "$_" }) -join ' '
            $job.Output.Count + $job.Error.Count + $job.Warning.Count + $job.Information.Count; $job.HasMoreData
            """).NoErrors();
        Assert.Equal([4, "one two three four five  six seven", "one two three four five  six seven", 0, false], result.Values);
    }

    [Theory]
    [InlineData("Start-IpcJob { param($a, $b) $b; $a } -ArgumentList 1, two", new object[] { "two", 1 })]
    [InlineData("$x = 'outer'; $list = 5, 6; Start-IpcJob { $using:x; $using:list[1] }", new object[] { "outer", 6 })]
    [InlineData("1..3 | Start-IpcJob { $input | ForEach-Object { $_ * 2 } }", new object[] { 2, 4, 6 })]
    [InlineData("Start-IpcJob { foreach ($i in $input) { $i } } -InputObject 7", new object[] { 7 })]
    [InlineData("Start-IpcJob { process { $_ + 1 } } -InputObject 7", new object[] { 8 })]
    [InlineData("$null | Start-IpcJob { \"got $(@($input).Count)\" }", new object[] { "got 1" })]
    [InlineData("Start-IpcJob { 1; exit 0; 2 }", new object[] { 1 })]
    [InlineData(
        "$n = 21; Start-IpcJob { $job = Start-IpcJob { $using:n * 2 }; $null = Wait-Job $job -Timeout 60; Receive-Job $job }",
        new object[] { 42 })]
    public void Values_go_in_and_come_out(string start, object[] expected)
    {
        var (_, result) = Run(start);
        Assert.Equal(expected, result.NoErrors().Values);
    }

    [Fact]
    public void What_stands_behind_a_using_variable_belongs_to_it()
    {
        // The values that Start-Job gives.
        var (_, result) = Run(
            """
            $cfg = [pscustomobject]@{ Servers = @('alpha'); Empty = @(); Deep = @{ list = 1, 2, 3 }; None = $null }
            $global:ipcpsUsing = @{ name = 'global' }; $script:ipcpsList = 'a', 'b'; $env:IPCPS_USING = 'abcdef'
            ${odd name} = @{ k = 'odd' }
            function Get-Using { 'function' }
            $splat = @{ Name = 'splatted'; Value = 7 }
            Start-IpcJob {
                ($using:cfg.Servers)[0]; $using:CFG.Servers.Count; @($using:cfg.Empty).Count; $using:cfg.Deep['list'][2]
                $null -eq $using:cfg.None; $using:global:ipcpsUsing.name; $using:script:ipcpsList[-1]; $using:env:IPCPS_USING.Length
                $null -eq $using:env:IPCPS_USING_THAT_IS_NOT_SET; ${using:odd name}.k
                & ([scriptblock]::Create(${using:function:Get-Using}))
                $using:true; (New-Variable @using:splat -PassThru).Value
            }
            """);
        Assert.Equal(["alpha", 1, 0, 3, true, "global", "b", 6, true, "odd", "function", true, 7], result.NoErrors().Values);
    }

    [Fact]
    public void Types_survive()
    {
        var (_, result) = Run("Start-IpcJob { [datetime]'2026-01-02'; [pscustomobject]@{ B = 1; A = 2 } }");
        Assert.Equal(new DateTime(2026, 1, 2), result.Values[0]);
        Assert.Equal(["B", "A"], result.Output[1]!.Properties.Select(static p => p.Name));
    }

    [Fact]
    public void The_channel_goes_both_ways_and_outlives_the_child()
    {
        var result = Session.Run(
            """
            $job = Start-IpcJob { Receive-IpcMessage $IpcParent -All | ForEach-Object { "doubled $($_ * 2)" | Send-IpcMessage $IpcParent
                $_ } }
            1..3 | Send-IpcMessage $job
            Receive-IpcMessage $job -Count 1 -Timeout 60
            $job.Channel.CompleteSending()
            $null = Wait-Job $job -Timeout 60
            Receive-IpcMessage $job.Channel -All -Timeout 60
            Receive-Job $job
            """).NoErrors();
        Assert.Equal(["doubled 2", "doubled 4", "doubled 6", 1, 2, 3], result.Values);
    }

    [Fact]
    public void Ends_of_pipes_and_addresses_are_handed_over()
    {
        var result = Session.Run(
            """
            $there = New-IpcPipe; $back = New-IpcPipe
            $job = Start-IpcJob { Receive-IpcMessage $IpcHandles[0] -All -Timeout 60 | Send-IpcMessage $IpcHandles[1]
                $IpcHandles[2].Address.Text } -Handle $there.Reader, $back.Writer, $args[0]
            Close-IpcObject $there.Reader; Close-IpcObject $back.Writer
            'through two pipes' | Send-IpcMessage $there.Writer; Close-IpcObject $there.Writer
            Receive-IpcMessage $back.Reader -All -Timeout 60
            $null = Wait-Job $job -Timeout 60
            Receive-Job $job
            """, NewQueue());
        Assert.Equal(["through two pipes", _queue], result.NoErrors().Values);
        Session.Run("Remove-IpcObject $args[0]", _queue).NoErrors();
    }

    [Fact]
    public void What_a_child_gets_is_its_pipes_and_nothing_else()
    {
        var (_, result) = Run(
            """
            $pipe = New-IpcPipe
            $link = [IO.FileInfo]::new("/proc/self/fd/$($pipe.Writer.Address.Descriptor)").LinkTarget
            Start-IpcJob {
                $using:link -in (Get-ChildItem /proc/self/fd | ForEach-Object LinkTarget)
                # Its session is its own, and has no terminal.
                $stat = (Get-Content /proc/self/stat) -replace '^.*\) ' -split ' '
                $stat[3] -eq $PID; $stat[4]
            }
            """);
        Assert.Equal([false, true, "0"], result.NoErrors().Values);
    }

    private readonly string _queue = $"mq:/ipcps-job-{Environment.ProcessId}-{Guid.NewGuid():n}";

    private string NewQueue()
    {
        Session.Run("$null = New-IpcQueue $args[0]", _queue).NoErrors();
        return _queue;
    }
}
