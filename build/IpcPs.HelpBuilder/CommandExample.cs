using Markdig.Syntax;

namespace IpcPs.HelpBuilder;

/// <summary>An example: its title, its code, what it shows.</summary>
internal sealed record CommandExample(string Title, string Code, string Remarks)
{
    public static CommandExample Parse(string heading, IReadOnlyList<Block> blocks)
    {
        var code = blocks.OfType<FencedCodeBlock>().ToList();
        if (code.Count == 0) throw new FormatException($"'{heading}' has no code");
        // A second fence is the output; it belongs to what is shown, as the prose does.
        var rest = blocks.Where(b => b != code[0]);
        return new CommandExample(heading, MarkdownSections.CodeOf(code[0]), MarkdownSections.TextOf(rest));
    }
}
