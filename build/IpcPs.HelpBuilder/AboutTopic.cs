using Markdig;

namespace IpcPs.HelpBuilder;

/// <summary>An about_ topic: what Get-Help shows is its text.</summary>
internal static class AboutTopic
{
    public static string ToText(string markdown) =>
        MarkdownSections.TextOf(Markdown.Parse(markdown, new MarkdownPipelineBuilder().UsePipeTables().Build())) + "\n";
}
