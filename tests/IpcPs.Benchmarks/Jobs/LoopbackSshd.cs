using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Jobs;

/// <summary>An sshd of this process on loopback, with keys made for it. PowerShell's own remoting works with it too.</summary>
internal sealed class LoopbackSshd : IDisposable
{
    private const string Program = "/usr/sbin/sshd";

    private static readonly Lazy<LoopbackSshd?> Lazy = new(Start);

    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-benchmark-ssh-").FullName;
    private readonly Process _process;

    private LoopbackSshd()
    {
        foreach (var key in new[] { "host", "user" }) Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(_folder, key));
        Port = LoopbackServer.FreePort();
        var pwsh = Path.Combine(_folder, "pwsh");
        File.WriteAllText(pwsh, $"#!/bin/sh\nexec {string.Join(' ', Build.Pwsh)} \"$@\"\n");
        File.SetUnixFileMode(pwsh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var place = string.Create(CultureInfo.InvariantCulture, $"[127.0.0.1]:{Port}");
        File.WriteAllText(Path.Combine(_folder, "known_hosts"), $"{place} {File.ReadAllText(Path.Combine(_folder, "host.pub"))}");
        File.WriteAllText(Path.Combine(_folder, "config"), $"""
            Port {Port}
            ListenAddress 127.0.0.1
            HostKey {_folder}/host
            PidFile none
            AuthorizedKeysFile {_folder}/user.pub
            StrictModes no
            UsePAM no
            PermitRootLogin yes
            SetEnv PATH={_folder}:/usr/local/bin:/usr/bin:/bin XDG_CACHE_HOME={_folder}/cache POWERSHELL_TELEMETRY_OPTOUT=1
            Subsystem powershell {pwsh} -sshs -NoLogo -NoProfile

            """);
        Directory.CreateDirectory("/run/sshd");
        _process = LoopbackServer.Start(Program, ["-D", "-e", "-f", Path.Combine(_folder, "config")], "listening");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose();
    }

    /// <summary>The sshd; null if this machine has none, or may not start one.</summary>
    public static LoopbackSshd? Instance => Lazy.Value;

    /// <summary>The parameters of Start-IpcJob, and of Invoke-Command.</summary>
    public string Parameters => string.Create(CultureInfo.InvariantCulture, $$"""
        -HostName 127.0.0.1 -Port {{Port}} -KeyFilePath '{{_folder}}/user' -Options @{
            UserKnownHostsFile = '{{_folder}}/known_hosts'; IdentitiesOnly = 'yes'; IdentityAgent = 'none' }
        """);

    private int Port { get; }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
        if (Directory.Exists(_folder)) Run("sh", "-c", $"chmod -R u+w '{_folder}'; rm -rf '{_folder}'");
    }

    private static LoopbackSshd? Start() => File.Exists(Program) && Environment.IsPrivilegedProcess ? new LoopbackSshd() : null;

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
    }
}
