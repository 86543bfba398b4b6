namespace IpcPs.HelpBuilder;

/// <summary>One cmdlet's page, taken apart.</summary>
internal sealed record CommandPage(string Name, string Synopsis, string Description, IReadOnlyList<CommandExample> Examples,
    IReadOnlyList<CommandParameter> Parameters, string Inputs, string Outputs, string Notes, IReadOnlyList<(string Text, string Link)> Transports)
{
    public static CommandPage Parse(string markdown)
    {
        var sections = MarkdownSections.Split(markdown);
        var name = sections.Title ?? throw new FormatException("the page has no '# Name' heading");
        return new CommandPage(name,
            sections.Text("SYNOPSIS"),
            sections.Text("DESCRIPTION"),
            [.. sections.Children("EXAMPLES").Select(static c => CommandExample.Parse(c.Heading, c.Blocks))],
            [.. sections.Children("PARAMETERS").Where(static c => c.Heading.StartsWith('-')).Select(static c => CommandParameter.Parse(c.Heading, c.Blocks))],
            sections.OptionalText("INPUTS"), sections.OptionalText("OUTPUTS"), sections.OptionalText("NOTES"),
            [.. sections.LinksOf("RELATED LINKS")]);
    }
}
