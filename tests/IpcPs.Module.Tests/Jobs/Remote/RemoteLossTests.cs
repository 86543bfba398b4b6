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
        var id = (int)Session.Run($$"""
            $job = Start-IpcJob -HostName $b @ssh {
                try { Send-IpcMessage $IpcParent $PID; Start-Sleep 600 } finally { 1 > '{{file}}' }
            }
            $waiting = 1, 2 | Start-IpcJob -HostName $b @ssh { $input; Start-Sleep 600 }
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
    public void A_parent_that_is_killed_leaves_nothing_there_and_the_next_one_cleans_up_here()
    {
        var parameters = _hosts.Parameters;
        var options = (System.Collections.Hashtable)parameters["Options"]!;
        var ssh = $"$ssh = @{{ KeyFilePath = '{parameters["KeyFilePath"]}'; Options = @{{ "
            + string.Join("; ", options.Keys.Cast<string>().Select(k => $"{k} = '{options[k]}'")) + " } }\n";
        using var parent = Shell.Pwsh.Start(ssh + $$"""
            $job = Start-IpcJob -HostName {{_hosts.First}} @ssh { Send-IpcMessage $IpcParent "ready $PID"; Start-Sleep 600 }
            Receive-IpcMessage $job -Timeout 60
            Start-Sleep 600
            """);
        var ready = parent.ReadLine();
        Assert.StartsWith("ready ", ready, StringComparison.Ordinal);
        var mine = $"ssh-{parent.Id}-*";
        Assert.Single(Directory.EnumerateDirectories(RuntimeFolder.Path, mine));
        parent.Signal(9);
        WaitForEnd(int.Parse(ready!["ready ".Length..], CultureInfo.InvariantCulture));
        // The session of this process has no connection yet that is like it: it makes one.
        Session.Set("a", _hosts.First);
        Assert.Equal("ok", Session.Run(
            "$ssh.Options.ServerAliveInterval = 6; Start-IpcJob -HostName $a @ssh { 'ok' } | Receive-Job -Wait").Single());
        Assert.Empty(Directory.EnumerateDirectories(RuntimeFolder.Path, mine));
    }
}
