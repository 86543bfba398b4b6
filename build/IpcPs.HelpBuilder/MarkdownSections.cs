using System.Text;
using Markdig;
using Markdig.Extensions.Yaml;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace IpcPs.HelpBuilder;

/// <summary>A page cut at its headings, and its blocks as plain text.</summary>
internal sealed class MarkdownSections
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder().UseYamlFrontMatter().UsePipeTables().Build();
    private readonly Dictionary<string, List<Block>> _sections = new(StringComparer.OrdinalIgnoreCase);

    public string? Title { get; private set; }

    public static MarkdownSections Split(string markdown)
    {
        var result = new MarkdownSections();
        List<Block>? current = null;
        foreach (var block in Markdown.Parse(markdown, Pipeline))
        {
            if (block is YamlFrontMatterBlock) continue;
            if (block is HeadingBlock { Level: 1 } title) result.Title = Plain(title.Inline);
            else if (block is HeadingBlock { Level: 2 } heading) result._sections[Plain(heading.Inline)] = current = [];
            else current?.Add(block);
        }
        return result;
    }

    /// <summary>A section's text; empty where the page does not have it.</summary>
    public string Text(string section) => TextOf(BlocksOf(section));

    /// <summary>The parts of a section, each under a heading of its own.</summary>
    public IEnumerable<(string Heading, IReadOnlyList<Block> Blocks)> Children(string section)
    {
        string? heading = null;
        var own = new List<Block>();
        foreach (var block in BlocksOf(section))
        {
            if (block is not HeadingBlock { Level: 3 } next)
            {
                own.Add(block);
                continue;
            }
            if (heading is not null) yield return (heading, own);
            heading = Plain(next.Inline);
            own = [];
        }
        if (heading is not null) yield return (heading, own);
    }

    /// <summary>The texts of a section's links.</summary>
    public IEnumerable<string> LinkTexts(string section) => BlocksOf(section).SelectMany(Links).Select(Plain);

    /// <summary>A page that is not cut at its headings.</summary>
    public static string WholeText(string markdown) => TextOf(Markdown.Parse(markdown, Pipeline));

    public static string CodeOf(LeafBlock code) => code.Lines.ToString().TrimEnd();

    public static string TextOf(IEnumerable<Block> blocks)
    {
        var text = new StringBuilder();
        foreach (var block in blocks) Append(text, block, "");
        return text.ToString().Trim();
    }

    private static void Append(StringBuilder text, Block block, string indent)
    {
        switch (block)
        {
            case HeadingBlock heading:
                text.Append(indent).Append(Plain(heading.Inline)).Append("\n\n");
                break;
            case ParagraphBlock paragraph:
                text.Append(indent).Append(Plain(paragraph.Inline)).Append("\n\n");
                break;
            case FencedCodeBlock code:
                foreach (var line in CodeOf(code).Split('\n')) text.Append(indent).Append("    ").Append(line).Append('\n');
                text.Append('\n');
                break;
            case Markdig.Extensions.Tables.Table table:
                foreach (var row in table.Descendants<Markdig.Extensions.Tables.TableRow>())
                {
                    var cells = row.Descendants<ParagraphBlock>().Select(static p => Plain(p.Inline));
                    text.Append(indent).AppendJoin(" | ", cells).Append('\n');
                }
                text.Append('\n');
                break;
            case ListBlock list:
                foreach (var item in list.OfType<ListItemBlock>()) AppendItem(text, item, indent);
                text.Append('\n');
                break;
            case ContainerBlock container:
                foreach (var child in container) Append(text, child, indent);
                break;
        }
    }

    private List<Block> BlocksOf(string section) => _sections.TryGetValue(section, out var blocks) ? blocks : [];

    /// <remarks>A block's own Descendants() does not enter the inlines of a paragraph.</remarks>
    private static IEnumerable<LinkInline> Links(Block block) => block switch
    {
        LeafBlock leaf => leaf.Inline?.FindDescendants<LinkInline>() ?? [],
        ContainerBlock container => container.SelectMany(Links),
        _ => [],
    };

    private static void AppendItem(StringBuilder text, ListItemBlock item, string indent)
    {
        var inner = new StringBuilder();
        foreach (var child in item) Append(inner, child, "");
        var lines = inner.ToString().Trim().Replace("\n", $"\n{indent}  ", StringComparison.Ordinal);
        text.Append(indent).Append("- ").Append(lines).Append('\n');
    }

    private static string Plain(ContainerInline? inline)
    {
        var text = new StringBuilder();
        foreach (var part in inline ?? [])
        {
            text.Append(part switch
            {
                LiteralInline literal => literal.Content.ToString(),
                CodeInline code => code.Content,
                LineBreakInline { IsHard: true } => "\n",
                LineBreakInline => " ",
                HtmlEntityInline entity => entity.Transcoded.ToString(),
                AutolinkInline link => link.Url,
                ContainerInline container => Plain(container),
                _ => "",
            });
        }
        return text.ToString();
    }
}
