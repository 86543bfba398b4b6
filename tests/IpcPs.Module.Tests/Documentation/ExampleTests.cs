using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>The scripts of docs/examples, as users run them. The story has tests of its own.</summary>
public sealed class ExampleTests : IDisposable
{
    private readonly string _name = $"example-{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Big_data_arrives_whole()
    {
        // Neither a multiple of the part's size, nor smaller than it.
        var file = Path.Combine(_folder, "data");
        var copy = Path.Combine(_folder, "copy");
        File.WriteAllBytes(file, RandomNumberGenerator.GetBytes((5 << 20) + 123));
        var result = Run("big-data.ps1", "-Path", file, "-Destination", copy, "-PartSize", "1MB", "-Name", _name).Succeeded();
        var sum = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
        Assert.Equal(2, Regex.Count(result.Output, $"SHA-256 {sum}"));
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(copy));
        AssertNothingIsLeft();
    }

    [Fact]
    public void Big_data_s_two_sides_are_told_of_each_other_s_trouble_and_leave_nothing()
    {
        var result = Run("big-data.ps1", "-Megabytes", "1", "-Destination", "/nonexistent/copy", "-Name", _name);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("The receiver: ", result.Error, StringComparison.Ordinal);
        AssertNothingIsLeft();
        Assert.False(File.Exists(Path.Combine(Path.GetTempPath(), _name)));
    }

    [Fact]
    public void Words_are_counted_as_wc_counts_them()
    {
        File.WriteAllText(Path.Combine(_folder, "a.md"), "one two\tthree\n\n two  TWO\n");
        File.WriteAllText(Path.Combine(_folder, "b.md"), "Keys keys\nvalues");
        var lines = Run("word-count.ps1", "-Path", _folder).Succeeded().Lines;
        Assert.Equal(["3", "two"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("       8  words in 2 files", lines[^1]);
    }

    private static ShellResult Run(string example, params string[] arguments) =>
        Shell.Pwsh.RunArguments(["-NoProfile", "-NonInteractive", Path.Combine(Build.RepositoryRoot, "docs", "examples", example), .. arguments]);

    private void AssertNothingIsLeft()
    {
        using var session = new ModuleSession();
        Assert.Empty(session.Run("Get-IpcObject \"*$($args[0])*\" -All", _name).NoErrors().Values);
    }
}
