using Markdig.Syntax;

namespace IpcPs.HelpBuilder;

/// <summary>One command's help: the facts of the command, the words of its page.</summary>
internal sealed record CommandHelp(Command Command, string Synopsis, string Description, IReadOnlyList<CommandExample> Examples,
    IReadOnlyDictionary<string, ParameterText> Parameters, string Inputs, string Outputs, string Notes, IReadOnlyList<string> Links)
{
    /// <summary>A page has no need to repeat these.</summary>
    private static readonly Dictionary<string, ParameterText> Shared = new(StringComparer.Ordinal)
    {
        ["WhatIf"] = new("Shows what the command would do, and does not do it.", null),
        ["Confirm"] = new("Asks for confirmation before the command acts.", null),
    };

    /// <summary>Joins a command and its page.</summary>
    /// <param name="report">Is told each way in which the two do not fit.</param>
    /// <returns>Null where there was something to report.</returns>
    public static CommandHelp? Join(Command command, MarkdownSections page, Action<string> report)
    {
        var problems = 0;
        if (page.Title != command.Name) Report($"the page is about {command.Name}: its first line must be '# {command.Name}'");
        foreach (var section in new[] { "SYNOPSIS", "DESCRIPTION", "OUTPUTS", "RELATED LINKS" })
        {
            if (page.Text(section).Length == 0) Report($"there is no '## {section}'");
        }
        var examples = page.Children("EXAMPLES").Select(c => CommandExample.Parse(c.Heading, c.Blocks, Report)).ToList();
        if (examples.Count < 2) Report("there are fewer than two examples");

        var texts = new Dictionary<string, ParameterText>(StringComparer.Ordinal);
        foreach (var (heading, blocks) in page.Children("PARAMETERS"))
        {
            if (!texts.TryAdd(heading.TrimStart('-'), ParameterText.Parse(blocks))) Report($"{heading} is described twice");
        }
        foreach (var name in texts.Keys.Where(name => command.Parameters.All(p => p.Name != name))) Report($"the command has no parameter -{name}");
        foreach (var parameter in command.Parameters)
        {
            if (Shared.TryGetValue(parameter.Name, out var shared)) texts.TryAdd(parameter.Name, shared);
            if (!texts.TryGetValue(parameter.Name, out var text) || text.Description.Length == 0) Report($"-{parameter.Name} is not described");
            else Compare(parameter, text);
        }

        var takesInput = command.Parameters.Any(static p => p.Pipeline.Count > 0);
        if (takesInput != page.Text("INPUTS").Length > 0) Report($"the command {(takesInput ? "takes pipeline input: describe it in" : "takes no pipeline input: remove")} '## INPUTS'");
        return problems > 0 ? null : new CommandHelp(command, page.Text("SYNOPSIS"), page.Text("DESCRIPTION"), examples, texts,
            page.Text("INPUTS"), page.Text("OUTPUTS"), page.Text("NOTES"), [.. page.LinkTexts("RELATED LINKS")]);

        void Compare(Parameter parameter, ParameterText text)
        {
            if (text.Default is not null && parameter.IsMandatory) Report($"-{parameter.Name} is mandatory and has no default");
            if (parameter.MayHaveHiddenDefault || text.Default == parameter.Default || (parameter.IsSwitch && text.Default is null && parameter.Default == "False")) return;
            Report($"the default of -{parameter.Name} is '{parameter.Default}': the page must have the line 'Default: {parameter.Default}'");
        }

        void Report(string problem)
        {
            problems++;
            report(problem);
        }
    }
}

/// <summary>An example: its title, its code, and what the page says about it.</summary>
internal sealed record CommandExample(string Title, string Code, string Remarks)
{
    public static CommandExample Parse(string heading, IReadOnlyList<Block> blocks, Action<string> report)
    {
        var code = blocks.OfType<FencedCodeBlock>().FirstOrDefault();
        var remarks = MarkdownSections.TextOf(blocks.Where(b => b != code));
        if (code is not { Info: "powershell" }) report($"the example '{heading}' has no ```powershell block");
        if (remarks.Length == 0) report($"the example '{heading}' does not say what happens");
        return new CommandExample(heading, code is null ? "" : MarkdownSections.CodeOf(code), remarks);
    }
}

/// <summary>What a page says about a parameter.</summary>
internal sealed record ParameterText(string Description, string? Default)
{
    private const string DefaultLabel = "Default: ";

    public static ParameterText Parse(IReadOnlyList<Block> blocks)
    {
        var last = blocks.Count == 0 ? "" : MarkdownSections.TextOf([blocks[^1]]);
        return last.StartsWith(DefaultLabel, StringComparison.Ordinal)
            ? new ParameterText(MarkdownSections.TextOf(blocks.SkipLast(1)), last[DefaultLabel.Length..])
            : new ParameterText(MarkdownSections.TextOf(blocks), null);
    }
}
