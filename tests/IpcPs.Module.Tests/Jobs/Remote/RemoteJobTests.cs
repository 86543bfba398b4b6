using System.Globalization;
using Xunit;

namespace IpcPs.Module.Tests.Jobs.Remote;

/// <summary>Jobs on other hosts: what a job of this machine can do, they can.</summary>
[Collection(SshHostsCollection.Name)]
public sealed class RemoteJobTests : JobTests
{
    private readonly SshHosts _hosts;

    /// <summary>Gives the session the hosts.</summary>
    public RemoteJobTests(SshHosts hosts)
    {
        _hosts = hosts;
        if (SshFactAttribute.Missing is not null) return;
        Session.Set("a", hosts.First);
        Session.Set("b", hosts.Second);
        Session.Set("ssh", hosts.Parameters);
    }

    [SshFact]
    public void All_streams_and_the_exit_code_come_back()
    {
        var (job, result) = Run("""
            $number = 21
            Start-IpcJob -HostName $a @ssh -ArgumentList 'it''s "here"' -Environment @{ COLOUR = 'blue' } -WorkingDirectory /usr {
                "$($using:number * 2) $($args[0]) $env:COLOUR $PWD $($env:SSH_CONNECTION.Split()[2])"
                Write-Warning 'careful'; Write-Information 'know'; [Console]::WriteLine('text'); Write-Error 'wrong'
                exit 3
            }
            """);
        Assert.Equal([$"42 it's \"here\" blue /usr {_hosts.First}"], result.Values);
        Assert.Equal(["careful"], result.Warnings);
        Assert.Equal(["know", "text"], result.Information.Order(StringComparer.Ordinal));
        Assert.Equal("wrong", result.Errors[0].ToString());
        Assert.Equal("Failed", job.JobStateInfo.State.ToString());
        Assert.Equal(3, job.ExitCode);
        Assert.Equal(_hosts.First, job.HostName);
        Assert.Null(job.ProcessId);
        Assert.Matches(@"^process \d+ on " + _hosts.First + "$", (string)job.Location);
        Assert.Contains($"on {_hosts.First}) ended with exit code 3.", ((string)job.StatusMessage), StringComparison.Ordinal);
    }

    [SshFact]
    public void Messages_go_both_ways_and_the_second_job_needs_no_login()
    {
        var result = Session.Run("""
            $jobs = 1, 2 | ForEach-Object {
                $job = Start-IpcJob -HostName $a @ssh {
                    Receive-IpcMessage $IpcParent -All | ForEach-Object { Send-IpcMessage $IpcParent ($_ * 2) }
                    $env:SSH_CONNECTION
                }
                1..3 | Send-IpcMessage $job
                Receive-IpcMessage $job -Count 3 -Timeout 60
                Close-IpcObject $job.Channel
                $job
            }
            $jobs | Where-Object { $_ -is [int] }
            $jobs | Where-Object { $_ -isnot [int] } | Receive-Job -Wait | Select-Object -Unique
            """).NoErrors();
        Assert.Equal([2, 4, 6, 2, 4, 6], result.Values.Take(6));
        Assert.Equal(7, result.Values.Count);
    }

    [SshFact]
    public void What_a_job_has_sent_can_be_received_after_its_end_also_where_it_is_much()
    {
        var result = Session.Run("""
            $job = Start-IpcJob -HostName $a @ssh { 1..20 | ForEach-Object { Send-IpcMessage $IpcParent ('x' * 100kb) }; 'sent' }
            Receive-Job $job -Wait
            (Receive-IpcMessage $job -All -Timeout 60 | Measure-Object Length -Sum).Sum
            """).NoErrors();
        Assert.Equal(["sent", 20.0 * 100 * 1024], result.Values);
    }

    [SshFact]
    public void Stages_on_different_hosts_make_one_pipeline()
    {
        var result = Session.Run("""
            $second = 1..1000 |
                Start-IpcJob -HostName $a @ssh { $input | ForEach-Object { [pscustomobject]@{ N = 2 * $_; Host = $using:a } } } |
                Start-IpcJob -HostName $b @ssh { $input | Where-Object { $_.N % 3 -eq 0 } }
            $sum = $second | Start-IpcJob { $input | Measure-Object N -Sum } | Receive-Job -Wait
            $second.Via; $sum.Count; $sum.Sum
            # From this machine to a host; several hosts, into one job of this machine.
            Start-IpcJob { 1..10 } | Start-IpcJob -HostName $b @ssh { ($input | Measure-Object -Sum).Sum } | Receive-Job -Wait
            Start-IpcJob -HostName $a, $b @ssh { 1..10 } | Start-IpcJob { ($input | Measure-Object -Sum).Sum } | Receive-Job -Wait
            """).NoErrors();
        Assert.Equal(["Unix", "333", "333666", "55", "110"],
            result.Values.Select(static v => Convert.ToString(v, CultureInfo.InvariantCulture)));
    }

    [SshFact]
    public void Workers_are_shared_out_among_the_hosts()
    {
        var result = Session.Run("""
            1..60 | Start-IpcJob -HostName $a, $b @ssh -Workers 4 -Ordered -Retry 1 -Process {
                if ($_ -eq 20 -and -not (Test-Path $using:mark)) { New-Item $using:mark; Stop-Process -Id $PID -Force }
                "$_ $IpcWorker $($env:SSH_CONNECTION.Split()[2])"
                Start-Sleep -Milliseconds 50
            } | Receive-Job -Wait
            """.Replace("$using:mark", $"'{Path.Combine(_hosts.RuntimeFolder(0), "..", "mark")}'", StringComparison.Ordinal)).NoErrors();
        var lines = result.Values.Select(static v => ((string)v!).Split(' ')).ToArray();
        Assert.Equal(Enumerable.Range(1, 60).Select(static n => n.ToString(CultureInfo.InvariantCulture)), lines.Select(static l => l[0]));
        Assert.All(lines, l => Assert.Equal(l[1] is "1" or "3" ? _hosts.First : _hosts.Second, l[2]));
        Assert.True(lines.Select(static l => l[1]).Distinct().Count() > 1);
    }

    [SshFact]
    public void Invoke_IpcParallel_has_a_worker_on_each_host()
    {
        var result = Session.Run("""
            1..10 | Invoke-IpcParallel { "$_ $IpcWorker $($env:SSH_CONNECTION.Split()[2])" } -HostName $a, $b @ssh -Ordered
            """).NoErrors();
        var lines = result.Values.Select(static v => ((string)v!).Split(' ')).ToArray();
        Assert.Equal(Enumerable.Range(1, 10).Select(static n => n.ToString(CultureInfo.InvariantCulture)), lines.Select(static l => l[0]));
        Assert.All(lines, l => Assert.Equal(l[1] == "1" ? _hosts.First : _hosts.Second, l[2]));
    }

    [SshFact]
    public void A_broadcast_reaches_readers_on_both_sides()
    {
        var result = Session.Run("""
            $numbers = Start-IpcJob -HostName $a @ssh { 1..100 } -Broadcast 2
            $sum = $numbers | Start-IpcJob -HostName $b @ssh { ($input | Measure-Object -Sum).Sum }
            $last = $numbers | Start-IpcJob { $input | Select-Object -Last 1 }
            Receive-Job $sum -Wait; Receive-Job $last -Wait
            """).NoErrors();
        Assert.Equal(["5050", "100"], result.Values.Select(static v => Convert.ToString(v, CultureInfo.InvariantCulture)));
    }

    [SshFact]
    public void Stop_Job_runs_finally_blocks_there_and_kill_is_named_and_asks_programs_that_are_left()
    {
        var file = Path.Combine(_hosts.RuntimeFolder(0), "..", "finally");
        var (program, started, asked) = (file + ".sh", file + ".started", file + ".asked");
        File.WriteAllText(program, $"trap ': >{asked}; exit' TERM\n: >{started}\nwhile :; do sleep 0.1; done\n");
        var result = Session.Run($$"""
            $job = Start-IpcJob -HostName $a @ssh { try { Send-IpcMessage $IpcParent ready; Start-Sleep 600 } finally { 1 > '{{file}}' } }
            Receive-IpcMessage $job -Timeout 60
            Stop-Job $job
            $job.State.ToString()
            # Its standard output and error stay open.
            $job = Start-IpcJob -HostName $a @ssh {
                Start-Process sh '{{program}}'
                while (-not (Test-Path '{{started}}')) { Start-Sleep -Milliseconds 20 }
                Stop-Process -Id $PID -Force; Start-Sleep 600
            }
            $null = Wait-Job $job -Timeout 60
            $job.Signal; $job.ExitCode; $job.StatusMessage; $job.Error.Count
            """).NoErrors();
        Assert.Equal(["ready", "Stopped", "KILL", 137], result.Values.Take(4));
        Assert.Contains("was killed by signal KILL before its script ended.", (string)result.Values[4]!, StringComparison.Ordinal);
        Assert.Equal(0, result.Values[5]);
        Assert.True(File.Exists(file));
        Assert.True(File.Exists(asked));
    }

    [SshFact]
    public void The_copy_of_the_module_is_read_only_and_a_damaged_one_is_replaced()
    {
        // Another option, and so another login, which checks the copy.
        const string Script = "$ssh.Options.ServerAliveInterval = {0}; Start-IpcJob -HostName $b @ssh {{ 'ok' }} | Receive-Job -Wait";
        Assert.Equal("ok", Session.Run(string.Format(CultureInfo.InvariantCulture, Script, 3)).Single());
        var copy = Assert.Single(Directory.EnumerateDirectories(_hosts.Modules(1)));
        Assert.Matches("^[0-9a-f]{64}$", Path.GetFileName(copy));
        var files = Directory.EnumerateFileSystemEntries(copy, "*", SearchOption.AllDirectories).Append(copy).ToArray();
        Assert.All(files, static f => Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(f) & (UnixFileMode)0b010_010_010));
        var manifest = Path.Combine(copy, "IpcPs.psd1");
        var text = File.ReadAllText(manifest);
        File.WriteAllText(manifest, "damaged");
        Assert.Equal("ok", Session.Run(string.Format(CultureInfo.InvariantCulture, Script, 4)).Single());
        Assert.Equal([copy], Directory.EnumerateDirectories(_hosts.Modules(1)));
        Assert.Equal(text, File.ReadAllText(manifest));
    }
}
