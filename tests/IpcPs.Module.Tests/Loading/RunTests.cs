using Xunit;

namespace IpcPs.Module.Tests.Loading;

/// <summary><c>dotnet run</c> on the module's project: what the README begins with.</summary>
public class RunTests
{
    private static readonly Shell Dotnet = new(Build.Dotnet);

    [Fact]
    public void A_script_gets_its_arguments_and_gives_its_exit_code()
    {
        using var script = new Script("""
            param([string] $Name, [switch] $Flag)
            "$Name|$Flag|$($args -join ',')"
            $PSCommandPath
            (Get-Command New-IpcPipe).Module.Name
            foreach ($line in $input) { "read $line" }
            exit 7
            """, "with space.ps1");
        var result = Run([script.Path, "-Name", "it's \"a\" $b", "-Flag", "x y", "", "*"], "one\n");
        Assert.Equal(["it's \"a\" $b|True|x y,,*", script.Path, "IpcPs", "read one"], result.Lines);
        Assert.Equal(7, result.ExitCode);
    }

    [Fact]
    public void Without_arguments_it_prompts_with_the_module_imported()
    {
        var result = Run([], "\"imported: $((Get-Module IpcPs).Name)\"\nexit 4\n");
        Assert.Contains("imported: IpcPs\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(4, result.ExitCode);
    }

    private static ShellResult Run(string[] arguments, string input)
    {
        var project = Path.Combine(Build.RepositoryRoot, "src", "IpcPs.Module");
        return Dotnet.RunArguments(["run", "--no-build", "-c", Build.Configuration, "--project", project, "--", .. arguments], input);
    }
}
