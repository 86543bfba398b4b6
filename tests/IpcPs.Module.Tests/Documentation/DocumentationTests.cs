using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

public class DocumentationTests
{
    [Fact]
    public void Every_error_id_is_documented_with_its_category()
    {
        var page = File.ReadAllText(Path.Combine(Build.RepositoryRoot, "docs", "errors.md"));
        var ids = ErrorIds();
        Assert.NotEmpty(ids);
        Assert.All(ids, id => Assert.Contains($"| `{id.Name}` | {id.Category} |", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_error_id_has_its_place_in_the_chapter_on_trouble()
    {
        var page = Path.Combine(Build.RepositoryRoot, "docs", "handbook", "troubleshooting.md");
        var headings = string.Join(' ', File.ReadLines(page).Where(static l => l.StartsWith("### ", StringComparison.Ordinal)));
        var explained = headings.Split([' ', ',', '#'], StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        var ids = ErrorIds().Select(static id => id.Name).ToList();
        Assert.Empty(ids.Except(explained));
        Assert.Empty(explained.Where(static w => w.StartsWith("Ipc", StringComparison.Ordinal)).Except(ids));
    }

    [Fact]
    public void Every_error_id_s_category_is_one_of_PowerShell_s() =>
        Assert.Empty(Enum.GetNames<IpcErrorCategory>().Except(Enum.GetNames<ErrorCategory>()));

    private static List<IpcErrorId> ErrorIds() =>
        [.. typeof(IpcErrors).GetFields().Select(static f => f.GetValue(null)).OfType<IpcErrorId>()];
}
