using Xunit;

namespace IpcPs.Module.Tests.Loading;

/// <summary>The module as it ships, in processes of their own: imported twice, beside other modules' copies of its packages, and removed.</summary>
public class LoadContextTests
{
    private const string UseIt = """
        $pipe = New-IpcPipe
        "kind: $($pipe.Kind)"
        "context: $([System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext($pipe.GetType().Assembly).Name)"
        Close-IpcObject $pipe
        """;

    public static TheoryData<string, string> Foreigners => new()
    {
        { "System.Formats.Cbor", "0.0.1.0" },
        { "System.Formats.Cbor", "99.0.0.0" },
        { "IpcPs.Core", "0.0.1.0" },
    };

    [Fact]
    public void The_module_is_imported_again_with_Force()
    {
        var result = Shell.Pwsh.Run($"""
            Import-Module '{Build.Manifest}' -Force
            Import-Module '{Build.Manifest}' -Force
            @(Get-Module IpcPs).Count
            {UseIt}
            """);
        Assert.Equal(["1", "kind: anonymous pipe", "context: IpcPs"], result.Succeeded().Lines);
    }

    [Fact]
    public void The_module_is_removed_and_imported_again()
    {
        var result = Shell.Pwsh.Run($"""
            Remove-Module IpcPs
            @(Get-Command New-IpcPipe -Module IpcPs -ErrorAction Ignore).Count
            Import-Module '{Build.Manifest}'
            {UseIt}
            """);
        Assert.Equal(["0", "kind: anonymous pipe", "context: IpcPs"], result.Succeeded().Lines);
    }

    [Theory]
    [MemberData(nameof(Foreigners))]
    public void Another_copy_that_is_loaded_after_the_import_does_no_harm(string name, string version)
    {
        using var foreign = new ForeignAssembly(name, version);
        Assert.Equal([version, "kind: anonymous pipe", "context: IpcPs"], Shell.Pwsh.Run($"{foreign.Load}\n{UseIt}").Succeeded().Lines);
    }

    [Theory]
    [MemberData(nameof(Foreigners))]
    public void Another_copy_that_was_loaded_before_does_no_harm(string name, string version)
    {
        using var foreign = new ForeignAssembly(name, version);
        var result = Shell.Pwsh.RunArguments(["-NoProfile", "-Command", $"{foreign.Load}\nImport-Module '{Build.Manifest}'\n{UseIt}"]);
        Assert.Equal([version, "kind: anonymous pipe", "context: IpcPs"], result.Succeeded().Lines);
    }

    [Fact]
    public void A_newer_core_that_comes_after_the_import_does_no_harm()
    {
        using var foreign = new ForeignAssembly("IpcPs.Core", "99.0.0.0");
        Assert.Equal(["99.0.0.0", "kind: anonymous pipe", "context: IpcPs"], Shell.Pwsh.Run($"{foreign.Load}\n{UseIt}").Succeeded().Lines);
    }

    [Fact]
    public void A_newer_core_that_came_before_the_import_is_refused_by_name()
    {
        using var foreign = new ForeignAssembly("IpcPs.Core", "99.0.0.0");
        var result = Shell.Pwsh.RunArguments(["-NoProfile", "-Command", $"{foreign.Load}\nImport-Module '{Build.Manifest}'"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("IpcPs.Core 99.0.0.0 is loaded already", result.Error, StringComparison.Ordinal);
    }
}
