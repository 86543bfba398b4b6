using System.Collections;
using System.Globalization;
using Xunit;

namespace IpcPs.Module.Tests.Jobs.Remote;

/// <summary>Two hosts for the tests of one collection: network namespaces, each with an sshd of its own, whose keys are made for the test.
/// The user's own ssh files are not used.</summary>
public sealed class SshHosts : IDisposable
{
    /// <summary>The sshd of the machine.</summary>
    public const string Sshd = "/usr/sbin/sshd";

    /// <summary>An sshd port whose login finds no pwsh.</summary>
    public const int WithoutPwsh = 2201;

    /// <summary>An sshd port whose login finds a pwsh that says that it is old.</summary>
    public const int OldPwsh = 2202;

    /// <summary>An sshd port whose login has a full disk for the module.</summary>
    public const int FullDisk = 2203;

    /// <summary>An sshd port that forwards no Unix sockets.</summary>
    public const int WithoutForwarding = 2204;

    private static readonly Shell Ip = Shell.Find("ip") ?? new Shell("ip");

    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-ssh-tests-").FullName;
    private readonly List<Host> _hosts = [];

    /// <summary>Makes the hosts, unless they can't be had: then no test uses them.</summary>
    public SshHosts()
    {
        if (SshFactAttribute.Missing is not null) return;
        try
        {
            MakeFiles();
            for (var i = 0; i < 2; i++) _hosts.Add(new Host(_folder, i));
            File.WriteAllLines(Path.Combine(_folder, "known_hosts"), _hosts.SelectMany(KnownHost));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The address of the first host.</summary>
    public string First => _hosts[0].Address;

    /// <summary>The address of the second host.</summary>
    public string Second => _hosts[1].Address;

    /// <summary>A key that the hosts do not accept.</summary>
    public string OtherKey => Path.Combine(_folder, "other_key");

    /// <summary>The parameters of Start-IpcJob for the hosts, besides -HostName.</summary>
    public Hashtable Parameters => new()
    {
        ["KeyFilePath"] = Path.Combine(_folder, "user_key"),
        ["Options"] = Options(Path.Combine(_folder, "known_hosts")),
    };

    /// <summary>The options of ssh.</summary>
    /// <param name="knownHosts">The file with the keys of hosts.</param>
    public static Hashtable Options(string knownHosts) => new()
    {
        ["UserKnownHostsFile"] = knownHosts,
        ["GlobalKnownHostsFile"] = "/dev/null",
        ["StrictHostKeyChecking"] = "yes",
        ["IdentitiesOnly"] = "yes",
        ["IdentityAgent"] = "none",
    };

    /// <summary>The runtime folder of logins on a host, in which each connection has its private folder.</summary>
    public string RuntimeFolder(int host) => Path.Combine(_hosts[host].Folder, "run");

    /// <summary>Where a host keeps copies of the module.</summary>
    public string Modules(int host) => Path.Combine(_hosts[host].Folder, "cache", "ipcps", "modules");

    /// <summary>Cuts the connection to a host, or mends it.</summary>
    public void Link(int host, bool up) => Run("link", "set", _hosts[host].Link, up ? "up" : "down");

    /// <summary>The processes of a host, besides the sshd that listens.</summary>
    public IReadOnlyList<int> Processes(int host) => _hosts[host].Processes();

    /// <summary>Fails if something was left where the module should have been copied on the full disk.</summary>
    public void ExpectNoInstallation(int host) =>
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_hosts[host].Folder, "full", "ipcps", "modules")));

    /// <summary>Waits until nothing is left on a host of any connection.</summary>
    public void ExpectNothingLeft(int host)
    {
        var limit = Deadline.After(TimeSpan.FromSeconds(60));
        var poll = new SemaphoreSlim(0);
        while (Processes(host).Count > 0 || Directory.EnumerateFileSystemEntries(RuntimeFolder(host)).Any())
        {
            Assert.False(limit.HasPassed, $"Left: {string.Join(' ', Processes(host).Select(Command))}, "
                + string.Join(' ', Directory.EnumerateFileSystemEntries(RuntimeFolder(host), "*", SearchOption.AllDirectories)));
            // The end of processes of another user's session: the kernel announces it to their parent only.
            poll.Wait(50);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var host in _hosts) host.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Command(int id)
    {
        try
        {
            return $"{id} {File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ')};";
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static void Run(params string[] arguments)
    {
        var result = Ip.RunArguments(arguments);
        if (result.ExitCode != 0) throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {result.Error}");
    }

    private void MakeFiles()
    {
        foreach (var name in new[] { "host_key", "user_key", "other_key" })
        {
            Shell.Find("ssh-keygen")!.RunArguments(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", Path.Combine(_folder, name)])
                .Succeeded();
        }
        File.Copy(Path.Combine(_folder, "user_key.pub"), Path.Combine(_folder, "authorized_keys"));
        Directory.CreateDirectory("/run/sshd");
        // What the far scripts need, and no pwsh.
        var bare = Directory.CreateDirectory(Path.Combine(_folder, "bare")).FullName;
        foreach (var tool in new[] { "sh", "mkdir", "head", "sleep", "rm", "ls", "grep", "cat", "sha256sum", "tar", "gzip", "mv", "chmod" })
            File.CreateSymbolicLink(Path.Combine(bare, tool), Shell.Find(tool)!.Path);
        var old = Directory.CreateDirectory(Path.Combine(_folder, "old")).FullName;
        File.WriteAllText(Path.Combine(old, "pwsh"), "#!/bin/sh\necho PowerShell 7.2.24\n");
        File.SetUnixFileMode(Path.Combine(old, "pwsh"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private IEnumerable<string> KnownHost(Host host)
    {
        var key = File.ReadAllText(Path.Combine(_folder, "host_key.pub")).Trim();
        yield return $"{host.Address} {key}";
        foreach (var port in new[] { WithoutPwsh, OldPwsh, FullDisk, WithoutForwarding })
            yield return string.Create(CultureInfo.InvariantCulture, $"[{host.Address}]:{port} {key}");
    }

    private sealed class Host : IDisposable
    {
        private readonly string _namespace;
        private readonly string _pidFile;

        public Host(string folder, int number)
        {
            // Of the addresses for benchmarks (RFC 2544), which no real network has.
            var net = string.Create(CultureInfo.InvariantCulture, $"198.18.{Environment.ProcessId % 250}.{4 * number}");
            var near = net[..net.LastIndexOf('.')] + string.Create(CultureInfo.InvariantCulture, $".{(4 * number) + 1}");
            Address = net[..net.LastIndexOf('.')] + string.Create(CultureInfo.InvariantCulture, $".{(4 * number) + 2}");
            var id = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}{"ab"[number]}");
            (_namespace, Link) = ($"ipcps-{id}", $"ips{id}");
            Folder = Directory.CreateDirectory(Path.Combine(folder, id)).FullName;
            _pidFile = Path.Combine(Folder, "sshd.pid");
            foreach (var name in new[] { "run", "cache", "full" }) Directory.CreateDirectory(Path.Combine(Folder, name));
            Run("netns", "add", _namespace);
            Run("link", "add", Link, "type", "veth", "peer", "name", "eth0", "netns", _namespace);
            Run("address", "add", near + "/30", "dev", Link);
            Run("link", "set", Link, "up");
            Run("-n", _namespace, "address", "add", Address + "/30", "dev", "eth0");
            Run("-n", _namespace, "link", "set", "eth0", "up");
            Run("-n", _namespace, "link", "set", "lo", "up");
            Shell.Find("mount")!.RunArguments(["-t", "tmpfs", "-o", "size=200k", "tmpfs", Path.Combine(Folder, "full")]).Succeeded();
            File.WriteAllText(Path.Combine(Folder, "sshd_config"), Configuration(folder));
            Run("netns", "exec", _namespace, Sshd, "-f", Path.Combine(Folder, "sshd_config"), "-E", Path.Combine(Folder, "sshd.log"));
        }

        public string Address { get; }

        public string Link { get; }

        public string Folder { get; }

        public IReadOnlyList<int> Processes()
        {
            var listening = File.Exists(_pidFile) ? int.Parse(File.ReadAllText(_pidFile), CultureInfo.InvariantCulture) : 0;
            return [.. Ip.RunArguments(["netns", "pids", _namespace]).Lines.Select(l => int.Parse(l, CultureInfo.InvariantCulture))
                .Where(id => id != listening)];
        }

        public void Dispose()
        {
            foreach (var id in Ip.RunArguments(["netns", "pids", _namespace]).Lines) Shell.Find("kill")!.RunArguments(["-9", id]);
            Ip.RunArguments(["link", "delete", Link]);
            Ip.RunArguments(["netns", "delete", _namespace]);
            Shell.Find("umount")!.RunArguments([Path.Combine(Folder, "full")]);
            foreach (var file in Directory.EnumerateFileSystemEntries(Folder, "*", SearchOption.AllDirectories))
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        private string Configuration(string folder) => $"""
            Port 22
            Port {WithoutPwsh}
            Port {OldPwsh}
            Port {FullDisk}
            Port {WithoutForwarding}
            ListenAddress {Address}
            HostKey {folder}/host_key
            PidFile {_pidFile}
            AuthorizedKeysFile {folder}/authorized_keys
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            SetEnv {Variables(Build.PwshFolder)} XDG_CACHE_HOME={Folder}/cache
            Match LocalPort {WithoutPwsh}
                SetEnv PATH={folder}/bare HOME={Folder} XDG_RUNTIME_DIR={Folder}/run
            Match LocalPort {OldPwsh}
                SetEnv {Variables($"{folder}/old")} XDG_CACHE_HOME={Folder}/cache
            Match LocalPort {FullDisk}
                SetEnv {Variables(Build.PwshFolder)} XDG_CACHE_HOME={Folder}/full
            Match LocalPort {WithoutForwarding}
                SetEnv {Variables(Build.PwshFolder)} XDG_CACHE_HOME={Folder}/cache
                AllowStreamLocalForwarding no

            """;

        // A home of its own: the shell of each session would read the user's .bashrc, which may take a second.
        private string Variables(string first) =>
            $"PATH={first}:/usr/local/bin:/usr/bin:/bin HOME={Folder} XDG_RUNTIME_DIR={Folder}/run POWERSHELL_TELEMETRY_OPTOUT=1";
    }
}

/// <summary>The tests that share the hosts. One at a time, because some cut the connection.</summary>
[CollectionDefinition(Name)]
public sealed class SshHostsCollection : ICollectionFixture<SshHosts>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "ssh";
}
