using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>Pools: children that have started before their job comes. One pool serves many checks: a child costs a second.</summary>
public sealed class JobPoolTests : JobTests
{
    private readonly string _name = $"pool-{Guid.NewGuid():n}";

    [Fact]
    public void A_warm_child_does_what_a_new_one_does()
    {
        Session.Set("name", _name);
        Session.Run(
            """
            $x = 21
            $pool = New-IpcJobPool -Size 2 -Name $name -Wait -InitializationScript {
                function Get-Double($n) { 2 * $n }
                $kept = $using:x; Write-Warning 'from the pool'; [Console]::Error.WriteLine('text of the pool')
            }
            $before = Get-Date
            """).NoErrors();
        Assert.Equal(["Ready", 2, 2], Session.Run("\"$($pool.State)\"; $pool.Available; $pool.Size").NoErrors().Values);
        var first = Session.Run(
            """
            $pipe = New-IpcPipe
            $job = 1, 2 | Start-IpcJob -Pool $pool -ArgumentList arg -Handle $pipe.Writer -Environment @{ IPCPS_POOL = 'set' } `
                -WorkingDirectory /usr -Via Unix -InitializationScript { $double = Get-Double $kept } {
                    "$args $double $using:x $env:IPCPS_POOL $PWD"
                    $input
                    'handle' | Send-IpcMessage $IpcHandles[0]
                    Receive-IpcMessage $IpcParent
                    (Get-Process -Id $PID).StartTime -lt $using:before
                }
            Receive-IpcMessage $pipe.Reader -Timeout 60
            'parent' | Send-IpcMessage $job
            Receive-Job $job -Wait
            "$($job.State)"
            """);
        Assert.Equal(["handle", "arg 42 21 set /usr", 1, 2, "parent", true, "Completed"], first.Values);
        Assert.Equal(["from the pool"], first.Warnings);
        Assert.Contains("text of the pool", first.Error().Exception.Message, StringComparison.Ordinal);
        // More jobs than warm children: the others start at once, and their children do first what the pool's do.
        var more = Session.Run(
            """
            $jobs = 1..3 | ForEach-Object { Start-IpcJob { Get-Double $args[0] } -ArgumentList $_ -Pool $name }
            ($jobs | Receive-Job -Wait -WarningAction SilentlyContinue 2>$null | Measure-Object -Sum).Sum
            @($jobs | Where-Object State -ne Completed).Count
            """);
        Assert.Equal([12.0, 0], more.Values);
        // A killed child is replaced. What a job has is the job's: it goes on when the pool is removed.
        var end = Session.Run(
            """
            $pool.WaitUntilReady('00:01:00')
            $job = Start-IpcJob { try { $PID; Receive-IpcMessage $IpcParent } finally { 'finally' } } -Pool $pool
            Remove-IpcJobPool $pool -WhatIf
            (Get-IpcJobPool $name).Name -eq $name
            $pool | Remove-IpcJobPool
            "$($pool.State) $($pool.Available) $(@(Get-IpcJobPool "$name*").Count)"
            'last' | Send-IpcMessage $job
            $id, $rest = Receive-Job $job -Wait -WarningAction SilentlyContinue 2>$null
            $rest
            """);
        Assert.Equal([true, true, "Removed 0 0", "last", "finally"], end.Values);
        var removed = Session.Run("Start-IpcJob { } -Pool $pool").Error();
        Expect(removed, "IpcRemoved", ErrorCategory.ConnectionError, $"The pool '{_name}' was removed.");
    }

    [Fact]
    public void A_child_that_dies_is_replaced_and_one_that_cannot_start_is_not()
    {
        Session.Set("name", _name);
        var replaced = Session.Run(
            """
            $queue = New-IpcQueue $name
            $address = $queue.Address
            $pool = New-IpcJobPool 1 -InitializationScript { $PID | Send-IpcMessage $using:address }
            $first = Receive-IpcMessage $queue -Timeout 60
            $pool.WaitUntilReady('00:01:00')
            Send-IpcSignal $first KILL
            $second = Receive-IpcMessage $queue -Timeout 60
            $second -ne $first
            $pool.WaitUntilReady('00:01:00')
            $job = Start-IpcJob { $PID } -Pool $pool
            (Receive-Job $job -Wait) -eq $second
            Remove-IpcJobPool $pool.Name
            Remove-IpcObject $queue
            """).NoErrors();
        Assert.Equal([true, true, true, true], replaced.Values);
        var failed = Session.Run("New-IpcJobPool 1 -Name $name -Wait -InitializationScript { 'before'; throw 'no license' }").Error();
        Expect(failed, "IpcJobFailed", ErrorCategory.OperationStopped,
            $"The pool '{_name}' has failed. A child of the pool failed in its initialization script: no license");
        Assert.Empty(Session.Run("Get-IpcJobPool $name*").NoErrors().Output);
        Session.Run(
            """
            $pool = New-IpcJobPool 1 -Name $name -InitializationScript { [Console]::Error.WriteLine('broken'); [Environment]::Exit(9) }
            $null = $pool.WaitUntilReady('00:02:00')
            """).NoErrors();
        Expect(Session.Run("Start-IpcJob { } -Pool $name").Error(), "IpcJobFailed", ErrorCategory.OperationStopped,
            $"The pool '{_name}' has failed. A child of the pool ended with exit code 9. It said: broken");
        Assert.Equal("Failed 0", Session.Run("\"$($pool.State) $($pool.Available)\"; Remove-IpcJobPool $name").Single());
    }

    [Fact]
    public void Runspaces_share_a_pool_and_it_ends_with_the_one_that_created_it()
    {
        Session.Set("name", _name);
        Session.Set("manifest", Build.Manifest);
        int id;
        using (var creator = new ModuleSession())
        {
            creator.Set("name", _name);
            creator.Run("$null = New-IpcJobPool 2 -Name $name -Wait -InitializationScript { $id = $PID }").NoErrors();
            var result = Session.Run(
                """
                (1..3 | ForEach-Object -ThrottleLimit 3 -Parallel {
                    Import-Module $using:manifest
                    $job = Start-IpcJob { "process $id $($id -eq $PID)" } -Pool $using:name
                    Receive-Job $job -Wait
                    Remove-Job $job
                } | Where-Object { $_ -like 'process * True' } | Sort-Object -Unique).Count
                """).NoErrors();
            Assert.Equal([3], result.Values);
            Session.Run("$queue = New-IpcQueue $name").NoErrors();
            creator.Run(
                "$a = \"mq:/$name\"; $null = New-IpcJobPool 1 -InitializationScript { $PID | Send-IpcMessage $using:a; Start-Sleep 1000 }");
            id = Convert.ToInt32(Session.Run("Receive-IpcMessage $queue -Timeout 60; Remove-IpcObject $queue").Single());
        }
        WaitForEnd(id);
        Assert.Empty(Session.Run("Get-IpcJobPool $name*").NoErrors().Output);
    }

    [Fact]
    public void Nothing_is_left_of_a_pool_whose_session_is_killed()
    {
        using var shell = Shell.Pwsh.Start(
            """
            $queue = New-IpcQueue "pool-$PID"
            $a = $queue.Address
            $ready = New-IpcJobPool 1 -InitializationScript {
                "$PID $((Start-Process sleep 1000 -PassThru).Id)" | Send-IpcMessage $using:a
            }
            Receive-IpcMessage $queue -Timeout 60
            $null = $ready.WaitUntilReady('00:01:00')
            # This one is not ready yet.
            $null = New-IpcJobPool 1 -InitializationScript { $PID | Send-IpcMessage $using:a; Start-Sleep 1000 }
            Receive-IpcMessage $queue -Timeout 60
            Remove-IpcObject $queue
            'up'
            Start-Sleep 1000
            """);
        var ids = (shell.ReadLine() + " " + shell.ReadLine()).Split(' ').Select(int.Parse).ToArray();
        shell.Expect("up");
        shell.Signal(9);
        foreach (var id in ids) WaitForEnd(id);
        Assert.Equal(3, ids.Length);
    }

    [Theory]
    [InlineData("Get-IpcJobPool nope", "IpcNotFound", ErrorCategory.ObjectNotFound, "This session has no pool 'nope'.")]
    [InlineData("Remove-IpcJobPool nope", "IpcNotFound", ErrorCategory.ObjectNotFound, "This session has no pool 'nope'.")]
    [InlineData(
        "Start-IpcJob { } -Pool nope", "ParameterArgumentTransformationError", ErrorCategory.InvalidData,
        "This session has no pool 'nope'. Create it with New-IpcJobPool.")]
    [InlineData(
        "Start-IpcJob { } -Pool 3.5", "ParameterArgumentTransformationError", ErrorCategory.InvalidData,
        "A pool or its name is expected, not an object of type Double.")]
    [InlineData("New-IpcJobPool 0", "ParameterArgumentValidationError", ErrorCategory.InvalidData, "Size")]
    [InlineData(
        "New-IpcJobPool 1 -InitializationScript { $using:nothing }", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "'$using:nothing' (script line 1): the variable is not set.")]
    [InlineData(
        "New-IpcJobPool 1 -Wait -Timeout 0 -Name late", "IpcTimeout", ErrorCategory.OperationTimeout,
        "Waited 0 s for the children of the pool 'late'.")]
    [InlineData(
        "$null = New-IpcJobPool 1 -Name once; try { New-IpcJobPool 1 -Name ONCE } finally { Remove-IpcJobPool once }", "IpcAlreadyExists",
        ErrorCategory.ResourceExists, "This session has a pool 'ONCE' already.")]
    public void What_is_wrong_is_said(string script, string id, ErrorCategory category, string text) =>
        Expect(Session.Run(script).Error(), id, category, text);

    [Fact]
    public void Pools_are_offered_by_completion()
    {
        Session.Set("name", _name);
        Session.Run("$null = New-IpcJobPool 1 -Name $name").NoErrors();
        using var shell = PowerShell.Create(Session.Runspace);
        var text = $"Start-IpcJob {{ }} -Pool {_name[..10]}";
        var match = Assert.Single(CommandCompletion.CompleteInput(text, text.Length, null, shell).CompletionMatches);
        Session.Run("Remove-IpcJobPool $name").NoErrors();
        Assert.Equal(_name, match.CompletionText);
    }
}
