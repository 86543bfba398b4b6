using IpcPs.Module.Tests.Sockets;
using Xunit;

namespace IpcPs.Module.Tests.Packaging;

/// <summary>The module's package as users install it, with PowerShell's own PSResourceGet, in a home that is not ours.</summary>
public sealed class PackageTests : IDisposable
{
    // Another user's wherever this one may become another: what is installed must not depend on ours.
    private const string OtherUser = "65534";
    private static readonly bool IsOther = NeedsFactAttribute.Missing(["root", "setpriv"]) is null;

    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-package-").FullName;
    private readonly Shell _pwsh;

    public PackageTests()
    {
        Directory.CreateDirectory(Home);
        _pwsh = IsOther ? new Shell("setpriv") : Shell.Pwsh;
        if (!IsOther) return;
        // The packages of the restore may lie where only their owner can read; links take no time where they can be made.
        new Shell("sh").RunArguments(["-c", """
            chmod 755 "$0"; chown "$1" "$0/home"
            cp -rl "$2" "$0/pwsh" 2>/dev/null || { rm -rf "$0/pwsh"; cp -r "$2" "$0/pwsh"; }
            """, _folder, OtherUser, Path.GetDirectoryName(Build.PwshDll)!]).Succeeded();
    }

    private string Home => Path.Combine(_folder, "home");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_module_is_installed_used_and_uninstalled()
    {
        // What was built is packed: another build would replace the module's files while other tests import them.
        var packages = Path.Combine(_folder, "packages");
        var solution = Path.Combine(Build.RepositoryRoot, "IpcPs.sln");
        var pack = new Shell(Build.Dotnet)
            .RunArguments(["pack", solution, "--no-build", "-c", Build.Configuration, "-o", packages, "--nologo"]);
        Assert.True(pack.ExitCode == 0, pack.Output + pack.Error);
        var made = Directory.GetFiles(packages, "*.nupkg").Select(static f => Path.GetFileName(f)).Order(StringComparer.Ordinal);
        Assert.Equal(["IpcPs.0.1.0.nupkg", "IpcPs.Core.0.1.0.nupkg"], made);

        Assert.Equal(["IpcPs", "IpcPs 0.1.0"], Run($$"""
            Register-PSResourceRepository -Name Folder -Uri '{{packages}}' -Trusted
            (Find-PSResource -CommandName Send-IpcMessage -Repository Folder).ParentResource.Name
            Install-PSResource IpcPs -Repository Folder
            Get-InstalledPSResource IpcPs | ForEach-Object { "$($_.Name) $($_.Version)" }
            """).Lines);
        var installed = Path.Combine(Home, ".local", "share", "powershell", "Modules", "IpcPs", "0.1.0");
        Assert.False(Directory.Exists(Path.Combine(installed, "lib")));
        Assert.True(File.Exists(Path.Combine(installed, "module", "bin", "deps", "IpcPs.Core.dll")));
        // With native code, for the processor that it was built on.
        var native = Directory.GetDirectories(Path.Combine(installed, "module", "bin"), "linux-*");
        Assert.Equal(["IpcPs.Core.dll", "IpcPs.Module.dll"],
            native.SelectMany(static f => Directory.GetFiles(f, "*.dll")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        var lines = Run("""
            Import-Module IpcPs
            (Get-Module IpcPs).ModuleBase
            (Get-Help Send-IpcMessage -Examples).examples.example.Count -ge 2
            Start-IpcJob { 6 * 7 } | Receive-Job -Wait -AutoRemoveJob
            $pipe = New-IpcPipe; 1..3 | Send-IpcMessage $pipe; "$(Receive-IpcMessage $pipe -Count 3)"
            """).Lines;
        Assert.Equal([installed, "True", "42", "1 2 3"], lines);

        Assert.Equal(["0"], Run("""
            Uninstall-PSResource IpcPs
            Unregister-PSResourceRepository Folder
            @(Get-Module IpcPs -ListAvailable).Count
            """).Lines);
        Assert.False(Directory.Exists(Path.GetDirectoryName(installed)));
    }

    [Fact]
    public void The_manifest_says_what_a_gallery_shows()
    {
        var result = Shell.Pwsh.RunArguments(["-NoProfile", "-Command", $$"""
            $manifest = Test-ModuleManifest '{{Build.Manifest}}'
            $manifest.Name
            $manifest.Description -ne '' -and $manifest.Tags -contains 'IPC'
            "$($manifest.ProjectUri)"
            "$($manifest.LicenseUri)"
            $manifest.ReleaseNotes
            @($manifest.ExportedCommands.Keys | Where-Object { "PSCommand_$_" -notin $manifest.Tags }).Count
            """]);
        const string Project = "https://github.com/ipcps/IpcPs";
        Assert.Equal(
            ["IpcPs", "True", Project, Project + "/blob/main/LICENSE", Project + "/blob/main/CHANGELOG.md", "0"], result.Succeeded().Lines);
    }

    /// <summary>Runs a script in a fresh pwsh of the other user.</summary>
    private ShellResult Run(string script)
    {
        string[] arguments = ["-NoProfile", "-NonInteractive", "-Command", "$ErrorActionPreference = 'Stop'\n" + script];
        var copy = Path.Combine(_folder, "pwsh", "pwsh.dll");
        string[] become = ["--reuid=" + OtherUser, "--regid=" + OtherUser, "--clear-groups", Build.Dotnet, copy];
        var environment = new Dictionary<string, string?> { ["HOME"] = Home };
        foreach (var name in (string[])["DATA_HOME", "CONFIG_HOME", "CACHE_HOME", "RUNTIME_DIR"]) environment["XDG_" + name] = null;
        using var running = _pwsh.StartArguments(IsOther ? [.. become, .. arguments] : arguments, environment);
        return running.Finish().Succeeded();
    }
}
