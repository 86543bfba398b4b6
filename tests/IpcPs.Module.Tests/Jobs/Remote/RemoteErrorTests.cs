using System.Collections;
using System.Globalization;
using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs.Remote;

/// <summary>Hosts that cannot run a job, and how that is said: with an id of its own, and ssh's words.</summary>
[Collection(SshHostsCollection.Name)]
public sealed class RemoteErrorTests : JobTests
{
    private readonly SshHosts _hosts;

    /// <summary>Gives the session the hosts.</summary>
    public RemoteErrorTests(SshHosts hosts)
    {
        _hosts = hosts;
        if (SshFactAttribute.Missing is not null) return;
        Session.Set("a", hosts.First);
        Session.Set("ssh", hosts.Parameters);
    }

    [SshFact]
    public void What_ssh_cannot_do_is_said_in_its_words()
    {
        var unknown = new Hashtable { ["KeyFilePath"] = _hosts.Parameters["KeyFilePath"], ["Options"] = SshHosts.Options("/dev/null") };
        var refused = new Hashtable { ["KeyFilePath"] = _hosts.OtherKey, ["Options"] = _hosts.Parameters["Options"] };
        ExpectFailure("Start-IpcJob -HostName no-such-host.invalid @ssh { }", "IpcHostNotFound", ErrorCategory.ObjectNotFound,
            "There is no host 'no-such-host.invalid'. ssh says: ssh: Could not resolve hostname");
        ExpectFailure("$ssh = $args[0]; Start-IpcJob -HostName $a @ssh { }", "IpcHostNotTrusted", ErrorCategory.PermissionDenied,
            "Host key verification failed.", unknown);
        ExpectFailure("$ssh = $args[0]; Start-IpcJob -HostName $a @ssh { }", "IpcLoginRefused", ErrorCategory.PermissionDenied,
            "Permission denied (publickey)", refused);
        ExpectFailure("Start-IpcJob -HostName \"${a}:9\" @ssh { }", "IpcConnectionFailed", ErrorCategory.ConnectionError,
            "Connection refused");
    }

    [SshFact]
    public void What_the_host_lacks_is_said()
    {
        ExpectFailure(OnPort(SshHosts.WithoutPwsh), "IpcPowerShellNotFound", ErrorCategory.ObjectNotFound, "There is no pwsh on");
        ExpectFailure(OnPort(SshHosts.OldPwsh), "IpcPowerShellTooOld", ErrorCategory.NotImplemented, "is version 7.2.24. A job needs 7.4");
        ExpectFailure(OnPort(SshHosts.FullDisk), "IpcModuleNotCopied", ErrorCategory.WriteError, "No space left on device");
        ExpectFailure(OnPort(SshHosts.WithoutForwarding), "IpcForwardingRefused", ErrorCategory.PermissionDenied,
            "A Unix socket could not be forwarded");
        // Each of these logins has left its host, with its folder. Other tests' connections stay for a minute.
        _hosts.ExpectNoInstallation(0);
    }

    [SshFact]
    public void One_host_that_fails_does_not_keep_the_others_from_their_jobs()
    {
        var result = Session.Run("Start-IpcJob -HostName no-such-host.invalid, $a @ssh { 'here' } | Receive-Job -Wait");
        Assert.Equal(["here"], result.Values);
        Expect(result.Error(), "IpcHostNotFound", ErrorCategory.ObjectNotFound, "no-such-host.invalid");
    }

    [SshFact]
    public void A_host_that_does_not_answer_is_waited_for_as_long_as_allowed()
    {
        _hosts.Link(1, up: false);
        try
        {
            // Another option, and so a new login.
            ExpectFailure("$ssh.Options.ServerAliveInterval = 7; Start-IpcJob -HostName $args[0] @ssh -ConnectingTimeout 300 { }",
                "IpcTimeout", ErrorCategory.OperationTimeout, "Waited 0.3 s for a connection to", _hosts.Second);
        }
        finally
        {
            _hosts.Link(1, up: true);
        }
    }

    [Theory]
    [InlineData("Start-IpcJob -HostName x -Handle mq:/x { }", "-Handle and -HostName exclude each other")]
    [InlineData("1 | Start-IpcJob -HostName x -Via Ring { }", "-Via and -HostName exclude each other")]
    [InlineData("Start-IpcJob -UserName x { }", "-UserName needs -HostName.")]
    [InlineData("Invoke-IpcParallel { } -Port 22", "-Port needs -HostName.")]
    [InlineData("Start-IpcJob -HostName '-oProxyCommand=x' { }", "'-oProxyCommand=x' is not a host")]
    [InlineData("Start-IpcJob -HostName 'a b' { }", "'a b' is not a host")]
    [InlineData("Start-IpcJob -HostName a:x { }", "'x' is not a port")]
    [InlineData("Start-IpcJob -HostName a -Options @{ 'a b' = 1 } { }", "'a b' is not the name of an option of ssh.")]
    public void What_cannot_be_is_refused(string script, string text) =>
        Expect(Session.Run(script).Error(), "IpcInvalidArgument", ErrorCategory.InvalidArgument, text);

    [Fact]
    public void Tab_offers_the_hosts_of_the_ssh_configuration()
    {
        var home = Directory.CreateTempSubdirectory("ipcps-home-");
        try
        {
            home.CreateSubdirectory(".ssh");
            File.WriteAllText(Path.Combine(home.FullName, ".ssh", "config"),
                "Host web1 web2 *.example !no\n  User ada\nhost=gate\nHostName nothing\nMatch host other\n");
            using var shell = Shell.Pwsh.StartArguments(Shell.ScriptArguments("""
                foreach ($line in 'Start-IpcJob -HostName ', 'Invoke-IpcParallel { } -HostName w') {
                    (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Sort-Object | Join-String -Separator ' '
                }
                """), new Dictionary<string, string?> { ["HOME"] = home.FullName });
            Assert.Equal(["gate web1 web2", "web1 web2"], shell.Finish().Succeeded().Lines);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    private static string OnPort(int port) =>
        string.Create(CultureInfo.InvariantCulture, $"Start-IpcJob -HostName $a @ssh -Port {port} {{ }}");

    private void ExpectFailure(string script, string id, ErrorCategory category, string text, params object?[] arguments) =>
        Expect(Session.Run(script, arguments).Error(), id, category, text);
}
