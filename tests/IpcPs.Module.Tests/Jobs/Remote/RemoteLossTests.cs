using System.Globalization;
using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs.Remote;

/// <summary>A connection that is cut, a parent that is killed, a process that does not answer: nothing is left on either side.</summary>
[Collection(SshHostsCollection.Name)]
public sealed class RemoteLossTests : JobTests
{
    private readonly SshHosts _hosts;

    /// <summary>Gives the session the hosts.</summary>
    public RemoteLossTests(SshHosts hosts)
    {
        _hosts = hosts;
        if (SshFactAttribute.Missing is not null) return;
        Session.Set("b", hosts.Second);
        Session.Set("ssh", hosts.Parameters);
    }

    [SshFact]
    public void A_cut_connection_fails_the_job_and_ends_its_process_with_its_finally_blocks()
    {
        var file = Path.Combine(_hosts.RuntimeFolder(1), "..", "cut");
        var read = Path.Combine(_hosts.RuntimeFolder(1), "..", "read");
        var id = (int)Session.Run($$"""
            $job = Start-IpcJob -HostName $b @ssh {
                try { Send-IpcMessage $IpcParent $PID; Start-Sleep 600 } finally { 1 > '{{file}}' }
            }
            $waiting = 1, 2 | Start-IpcJob -HostName $b @ssh { $input; Start-Sleep 600 }
            # All is written, but most of it is on its way when the script ends.
            $written = Start-IpcJob -HostName $b @ssh { 1..20 | ForEach-Object { 'x' * 50000 }; Send-IpcMessage $IpcParent written }
            $reader = $written | Start-IpcJob { while (-not (Test-Path '{{read}}')) { Start-Sleep -Milliseconds 50 }; $input }
            $null = Receive-IpcMessage $written -Timeout 60
            Receive-IpcMessage $job -Timeout 60
            """).Single()!;
        _hosts.Link(1, up: false);
        try
        {
            WaitForEnd(id);
            Assert.True(File.Exists(file));
            Assert.Equal(2, Session.Run("Wait-Job $job, $waiting -Timeout 60").Output.Count);
            var failure = (ErrorRecord)Session.Run("$job.Failure").Single()!;
            Expect(failure, "IpcConnectionLost", ErrorCategory.ConnectionError,
                $"on {_hosts.Second}) lost its connection to '{_hosts.Second}'.");
            Assert.Contains("ssh says: Timeout, server", failure.Exception.Message, StringComparison.Ordinal);
            Expect((ErrorRecord)Session.Run("$waiting.Failure").Single()!, "IpcConnectionLost", ErrorCategory.ConnectionError, "lost its");
            File.WriteAllText(read, "");
            Assert.Equal(2, Session.Run("Wait-Job $written, $reader -Timeout 60").Output.Count);
            Expect((ErrorRecord)Session.Run("$written.Failure").Single()!, "IpcConnectionLost", ErrorCategory.ConnectionError, "lost its");
            _hosts.ExpectNothingLeft(1);
        }
        finally
        {
            _hosts.Link(1, up: true);
        }
        // The next job connects again.
        Assert.Equal("again", Session.Run("Start-IpcJob -HostName $b @ssh { 'again' } | Receive-Job -Wait").Single());
    }

    [SshFact]
    public void The_workers_of_a_lost_host_start_again_on_the_other_one_also_where_they_need_another_login()
    {
        Session.Set("a", _hosts.First);
        var marks = Directory.CreateDirectory(Path.Combine(_hosts.RuntimeFolder(0), "..", "marks")).FullName;
        // Another option, and so new logins. All items wait for 9 workers, and 4 more. A login has place for 8.
        Session.Run($$"""
            $ssh.Options.ServerAliveInterval = 5
            $job = 1..18 | Start-IpcJob -HostName $a, $b @ssh -Workers 9 -Retry 1 -Process {
                $null = New-Item "{{marks}}/$PID" -Force
                while (@(Get-ChildItem '{{marks}}').Count -lt 13) { Start-Sleep -Milliseconds 100 }
                "$_ $($env:SSH_CONNECTION.Split()[2])"
            }
            """).NoErrors();
        WaitUntil(() => Directory.EnumerateFiles(marks).Count() >= 9);
        KillAll();
        Assert.Single(Session.Run("Wait-Job $job -Timeout 120").Output);
        var lines = Session.Run("Receive-Job $job").NoErrors().Values.Cast<string>().ToArray();
        Assert.Equal(Enumerable.Range(1, 18).Select(n => $"{n} {_hosts.First}"), lines.OrderBy(static l => int.Parse(
            l.Split(' ')[0], CultureInfo.InvariantCulture)));
        Assert.All(Session.Run("$job.Workers.HostName").Values, h => Assert.Equal(_hosts.First, h));
    }

    [SshFact]
    public void A_host_that_is_lost_between_the_end_of_a_worker_s_script_and_that_of_its_process_fails_nothing()
    {
        // The process stays when its script has ended.
        Session.Run("""
            $job = 1..4 | Start-IpcJob -HostName $b @ssh -Workers 2 -Begin {
                Add-Type 'public static class Exit {
                    public static void Never() => System.AppDomain.CurrentDomain.ProcessExit += (s, e) => System.Threading.Thread.Sleep(-1);
                }'
                [Exit]::Never()
            } -Process { $_ }
            """).NoErrors();
        var folder = _hosts.RuntimeFolder(1);
        WaitUntil(() => Session.Run("$job.ItemsDone").Single() is 4L
            && !Directory.EnumerateFiles(folder, "p*", SearchOption.AllDirectories).Any());
        KillAll();
        Assert.Single(Session.Run("Wait-Job $job -Timeout 60").Output);
        Assert.Equal([1, 2, 3, 4], Session.Run("Receive-Job $job").NoErrors().Values.Order());
        Assert.Equal("Completed", Session.Run("$job.State.ToString()").Single());
    }

    [SshFact]
    public void A_process_that_does_not_answer_is_killed_with_its_job()
    {
        var id = (int)Session.Run("""
            $job = Start-IpcJob -HostName $b @ssh { Send-IpcMessage $IpcParent $PID; Start-Sleep 600 }
            Receive-IpcMessage $job -Timeout 60
            """).Single()!;
        Shell.Find("kill")!.RunArguments(["-STOP", id.ToString(CultureInfo.InvariantCulture)]).Succeeded();
        Session.Run("Remove-Job $job -Force").NoErrors();
        WaitForEnd(id);
    }

    [SshFact]
    public void A_parent_that_stands_still_holds_no_objects_up_and_one_that_is_killed_leaves_nothing_on_either_side()
    {
        var folder = Path.Combine(_hosts.RuntimeFolder(0), "..");
        var (go, done) = (Path.Combine(folder, "go"), Path.Combine(folder, "done"));
        var parameters = _hosts.Parameters;
        var options = (System.Collections.Hashtable)parameters["Options"]!;
        var ssh = $"$ssh = @{{ KeyFilePath = '{parameters["KeyFilePath"]}'; Options = @{{ "
            + string.Join("; ", options.Keys.Cast<string>().Select(k => $"{k} = '{options[k]}'")) + " } }\n";
        using var parent = Shell.Pwsh.Start(ssh + $$"""
            $first = Start-IpcJob -HostName {{_hosts.First}} @ssh {
                Send-IpcMessage $IpcParent $PID
                while (-not (Test-Path '{{go}}')) { [Environment]::TickCount64; Start-Sleep -Milliseconds 20 }
                1..1000 | ForEach-Object { 'x' * 1000 }
                'last'
                Start-Sleep 600
            }
            $second = $first | Start-IpcJob -HostName {{_hosts.Second}} @ssh {
                $input | ForEach-Object {
                    # What was made after something had come did not come through the parent, which hands over the beginning.
                    if ($_ -is [long] -and $since -and $_ -gt $since -and -not $said) { Send-IpcMessage $IpcParent $PID; $said = $true }
                    if (-not $since) { $since = [Environment]::TickCount64 }
                    if ($_ -eq 'last') { $null = New-Item '{{done}}' }
                }
            }
            "ready $(Receive-IpcMessage $first -Timeout 60) $(Receive-IpcMessage $second -Timeout 60)"
            Start-Sleep 600
            """);
        var ready = parent.ReadLine();
        Assert.StartsWith("ready ", ready, StringComparison.Ordinal);
        // STOP. The hosts take that for a lost connection, but not before some seconds have passed.
        parent.Signal(19);
        File.WriteAllText(go, "");
        WaitUntil(() => File.Exists(done));
        var mine = $"ssh-{parent.Id}-*";
        Assert.Equal(2, Directory.EnumerateDirectories(RuntimeFolder.Path, mine).Count());
        parent.Signal(9);
        foreach (var id in ready!.Split(' ').Skip(1)) WaitForEnd(int.Parse(id, CultureInfo.InvariantCulture));
        // The session of this process has no connection yet that is like it: it makes one.
        Session.Set("a", _hosts.First);
        Assert.Equal("ok", Session.Run(
            "$ssh.Options.ServerAliveInterval = 6; Start-IpcJob -HostName $a @ssh { 'ok' } | Receive-Job -Wait").Single());
        Assert.Empty(Directory.EnumerateDirectories(RuntimeFolder.Path, mine));
    }

    /// <summary>For what another process does, and notifies of in no way.</summary>
    private static void WaitUntil(Func<bool> condition)
    {
        var limit = Deadline.After(TimeSpan.FromSeconds(120));
        var poll = new SemaphoreSlim(0);
        while (!condition())
        {
            Assert.False(limit.HasPassed);
            poll.Wait(50);
        }
    }

    /// <summary>Kills everything on the second host at once, as if it were switched off.</summary>
    private void KillAll()
    {
        var ids = _hosts.Processes(1).Select(static id => id.ToString(CultureInfo.InvariantCulture));
        Shell.Find("kill")!.RunArguments(["-KILL", .. ids]);
        // Which a host that is started again does not have any more.
        foreach (var folder in Directory.EnumerateDirectories(_hosts.RuntimeFolder(1))) Directory.Delete(folder, recursive: true);
    }
}
