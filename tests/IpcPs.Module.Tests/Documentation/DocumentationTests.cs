using System.Management.Automation;
using System.Reflection;
using System.Text.RegularExpressions;
using IpcPs.Tests;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests;

public partial class DocumentationTests
{
    private static readonly HashSet<string> Common = [.. Cmdlet.CommonParameters, "WhatIf", "Confirm"];

    [Fact]
    public void Every_command_and_parameter_has_help_and_two_examples()
    {
        using var session = new ModuleSession();
        var missing = new List<string>();
        foreach (var command in session.Run("Get-Command -Module IpcPs").Values.OfType<CmdletInfo>())
        {
            var path = Path.Combine(Build.RepositoryRoot, "docs", "en-US", command.Name + ".md");
            if (!File.Exists(path))
            {
                missing.Add($"{command.Name}: no page");
                continue;
            }
            var page = File.ReadAllText(path);
            var documented = ParameterHeading().Matches(page).Select(static m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
            missing.AddRange(command.Parameters.Keys.Where(p => !Common.Contains(p) && !documented.Contains(p)).Select(p => $"{command.Name} -{p}: not documented"));
            missing.AddRange(documented.Where(p => !command.Parameters.ContainsKey(p)).Select(p => $"{command.Name} -{p}: documented, and there is none"));
            if (ExampleHeading().Count(page) < 2) missing.Add($"{command.Name}: fewer than two examples");
        }
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_page_is_of_a_command()
    {
        using var session = new ModuleSession();
        var commands = session.Run("(Get-Command -Module IpcPs).Name").Values.Select(static v => v!.ToString()!).ToHashSet();
        var pages = Directory.EnumerateFiles(Path.Combine(Build.RepositoryRoot, "docs", "en-US"), "*.md").Select(static p => Path.GetFileNameWithoutExtension(p)!);
        Assert.Empty(pages.Where(static p => !p.StartsWith("about_", StringComparison.Ordinal)).Except(commands));
    }

    [Fact]
    public void Every_error_id_is_documented_with_its_category()
    {
        var page = File.ReadAllText(Path.Combine(Build.RepositoryRoot, "docs", "errors.md"));
        var ids = typeof(IpcErrors).GetFields(BindingFlags.Public | BindingFlags.Static).Select(static f => f.GetValue(null)).OfType<IpcErrorId>().ToList();
        Assert.NotEmpty(ids);
        Assert.Empty(ids.Where(id => !page.Contains($"| `{id.Name}` | {id.Category} |", StringComparison.Ordinal)).Select(static id => id.Name));
    }

    [Fact]
    public void Every_error_id_has_its_place_in_the_chapter_on_trouble()
    {
        var headings = string.Join(' ', File.ReadLines(Path.Combine(Build.RepositoryRoot, "docs", "handbook", "troubleshooting.md")).Where(static l => l.StartsWith("### ", StringComparison.Ordinal)));
        var explained = headings.Split([' ', ',', '#'], StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        var ids = typeof(IpcErrors).GetFields(BindingFlags.Public | BindingFlags.Static).Select(static f => f.GetValue(null)).OfType<IpcErrorId>().Select(static id => id.Name);
        Assert.Empty(ids.Except(explained));
        Assert.Empty(explained.Where(static w => w.StartsWith("Ipc", StringComparison.Ordinal)).Except(ids));
    }

    [Fact]
    public void Every_error_id_s_category_is_one_of_PowerShell_s() =>
        Assert.Empty(Enum.GetNames<IpcErrorCategory>().Except(Enum.GetNames<ErrorCategory>()));

    [GeneratedRegex(@"^### -(\w+)", RegexOptions.Multiline)]
    private static partial Regex ParameterHeading();

    [GeneratedRegex(@"^### Example \d", RegexOptions.Multiline)]
    private static partial Regex ExampleHeading();
}
