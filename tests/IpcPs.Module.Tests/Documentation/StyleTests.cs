using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>Line lengths, and the words that docs/style.md says not to use.</summary>
public partial class StyleTests
{
    private const int Columns = 140;

    private const string Rules = "docs/style.md";

    private static readonly string[] Extensions = [".cs", ".ps1", ".psd1", ".c", ".h", ".py", ".csproj", ".props", ".targets", ".md"];

    [Fact]
    public void Lines_are_not_too_long() =>
        Assert.Empty(Lines()
            .Where(static line => line.Text.Length > Columns && !MayBeLong(line))
            .Select(static line => $"{line.Place}: {line.Text.Length} columns"));

    [Fact]
    public void Words_to_avoid_are_avoided()
    {
        var words = WordsToAvoid();
        Assert.NotEmpty(words);
        // A name in quotes is not a word: "nobody" is also an account.
        var pattern = new Regex($"(?<![\\w\"'`])(?:{string.Join('|', words.Select(Regex.Escape))})(?![\\w\"'`])", RegexOptions.IgnoreCase);
        Assert.Empty(Lines()
            .Where(static line => line.Path != Rules)
            // Python's comparison is not English.
            .SelectMany(line => pattern.Matches(line.Text).Where(static word => word.Value != "is None")
                .Select(word => $"{line.Place}: {word.Value}")));
    }

    private static IEnumerable<(string Path, string Place, string Text)> Lines() =>
        from path in Files()
        from line in File.ReadLines(Path.Combine(Build.RepositoryRoot, path)).Select(static (text, i) => (text, i))
        select (path, $"{path}:{line.i + 1}", line.text);

    // A table row and a link cannot be split.
    private static bool MayBeLong((string Path, string Place, string Text) line) =>
        line.Path.EndsWith(".md", StringComparison.Ordinal) && (line.Text.StartsWith('|') || Link().IsMatch(line.Text));

    private static List<string> WordsToAvoid() =>
        [.. File.ReadLines(Path.Combine(Build.RepositoryRoot, Rules))
            .SkipWhile(static line => line != "## Words to avoid")
            .Select(static line => WordRow().Match(line))
            .Where(static row => row.Success)
            .Select(static row => row.Groups[1].Value)];

    private static List<string> Files()
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        {
            WorkingDirectory = Build.RepositoryRoot,
            RedirectStandardOutput = true,
        })!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        var files = output.Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Where(static path => Extensions.Contains(Path.GetExtension(path)))
            .Where(static path => File.Exists(Path.Combine(Build.RepositoryRoot, path)))
            .ToList();
        Assert.NotEmpty(files);
        return files;
    }

    [GeneratedRegex(@"^\s*(?:[-*] )?(?:\[[^\]]*\]\(\S+\)|\[[^\]]*\]: \S+|<?https?://\S+>?)[.,;]?$")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\| `([^`]+)` \|")]
    private static partial Regex WordRow();
}
