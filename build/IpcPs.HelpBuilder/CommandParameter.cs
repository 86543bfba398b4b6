using Markdig.Syntax;

namespace IpcPs.HelpBuilder;

/// <summary>A parameter: its text and the facts of its yaml block.</summary>
internal sealed record CommandParameter(string Name, string Description, string Type, IReadOnlyList<string> Sets, string Aliases, bool Required,
    string Position, string Default, string PipelineInput, bool Wildcards, IReadOnlyList<string> AcceptedValues)
{
    public static CommandParameter Parse(string heading, IReadOnlyList<Block> blocks)
    {
        var yaml = blocks.OfType<FencedCodeBlock>().LastOrDefault(static b => b.Info == "yaml") ?? throw new FormatException($"'{heading}' has no yaml block");
        var facts = MarkdownSections.CodeOf(yaml).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static l => l.Split(':', 2)).Where(static p => p.Length == 2).ToDictionary(static p => p[0].Trim(), static p => p[1].Trim());
        return new CommandParameter(heading[1..], MarkdownSections.TextOf(blocks.Where(b => b != yaml)),
            Fact("Type"), Fact("Parameter Sets").Split(',', StringSplitOptions.TrimEntries), Fact("Aliases", ""), Fact("Required") == "True",
            Fact("Position"), Fact("Default value", "None"), Fact("Accept pipeline input"), Fact("Accept wildcard characters", "False") == "True",
            Fact("Accepted values", "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

        string Fact(string key, string? otherwise = null) =>
            facts.TryGetValue(key, out var value) ? value : otherwise ?? throw new FormatException($"'{heading}' has no '{key}:' in its yaml block");
    }
}
