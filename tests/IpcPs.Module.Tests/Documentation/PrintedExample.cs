using System.Text.RegularExpressions;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>A <c>powershell</c> block of a document.</summary>
/// <param name="Page">The document, as a path from the repository's root.</param>
/// <param name="Heading">The heading above it.</param>
/// <param name="Number">Its number below that heading, from 1.</param>
/// <param name="Info">What follows <c>powershell</c> on its first line: nothing, or <c>no-run</c>.</param>
/// <param name="LineAbove">The line of text above it.</param>
/// <param name="Text">Its lines.</param>
/// <param name="Files">The files that a reader of the page has: name and text.</param>
internal sealed partial record PrintedExample(
    string Page, string Heading, int Number, string Info, string LineAbove, string Text, IReadOnlyDictionary<string, string> Files)
{
    /// <summary>What a failure names.</summary>
    public string Name => $"{Path.GetFileName(Page)}, {Heading}, {Number}";

    /// <summary>Whether it runs programs that a machine may not have.</summary>
    public bool NeedsTools => ToolName().IsMatch(Text);

    /// <summary>The names of the examples that run.</summary>
    /// <param name="examples">All examples.</param>
    /// <param name="needTools">Whether to list those that need tools, or the others.</param>
    public static TheoryData<string> Names(IEnumerable<PrintedExample> examples, bool needTools) =>
        [.. examples.Where(e => e.Info.Length == 0 && e.NeedsTools == needTools).Select(static e => e.Name)];

    /// <summary>Reads the blocks of documents.</summary>
    /// <param name="folder">Their folder, as a path from the repository's root; empty for the root itself.</param>
    /// <param name="pattern">Which documents.</param>
    public static IEnumerable<PrintedExample> Read(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Build.RepositoryRoot, folder), pattern).Order(StringComparer.Ordinal).SelectMany(Read);

    private static IReadOnlyList<PrintedExample> Read(string path)
    {
        var page = File.ReadAllText(path);
        var files = new Dictionary<string, string>();
        foreach (var link in ExampleLink().Matches(page).Select(static m => m.Groups[1].Value))
        {
            files[Path.GetFileName(link)] = File.ReadAllText(Path.Combine(Build.RepositoryRoot, "docs", link));
        }
        foreach (Match file in PrintedFile().Matches(page)) files[file.Groups["name"].Value] = file.Groups["text"].Value;

        var examples = new List<PrintedExample>();
        string heading = "", above = "";
        var number = 0;
        var lines = page.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (Fence().Match(lines[i]) is not { Success: true } fence)
            {
                if (lines[i].StartsWith('#')) (heading, number) = (lines[i].TrimStart('#', ' '), 0);
                if (lines[i].Length > 0) above = lines[i];
                continue;
            }
            var indent = fence.Groups["indent"].Length;
            var text = new List<string>();
            while (lines[++i].Trim() != "```") text.Add(lines[i].Length > indent ? lines[i][indent..] : lines[i].TrimStart());
            if (fence.Groups["language"].Value != "powershell") continue;
            examples.Add(new(Path.GetRelativePath(Build.RepositoryRoot, path), heading, ++number, fence.Groups["info"].Value, above,
                string.Join('\n', text), files));
        }
        return examples;
    }

    [GeneratedRegex(@"^(?<indent> *)```(?<language>\w*) ?(?<info>.*)$")]
    private static partial Regex Fence();

    // A C or Python block whose first line is a comment that begins with the name of a file.
    [GeneratedRegex(@"^```(?:c|python)\n(?<text>(?:/\*|#) (?<name>[\w-]+\.(?:c|py))\b.*?\n)```$",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex PrintedFile();

    [GeneratedRegex(@"\]\((?:\.\./)?(examples/[^)#]+\.\w+)\)")]
    private static partial Regex ExampleLink();

    [GeneratedRegex(@"\b(gcc|python3|nats-server)\b")]
    private static partial Regex ToolName();
}
