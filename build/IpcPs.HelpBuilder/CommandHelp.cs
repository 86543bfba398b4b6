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
    /// <param name="report">Called with each way in which the two do not fit.</param>
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
        var unknown = texts.Keys.Except(command.Parameters.Select(static p => p.Name));
        foreach (var name in unknown) Report($"the command has no parameter -{name}");
        foreach (var parameter in command.Parameters)
        {
            if (Shared.TryGetValue(parameter.Name, out var shared)) texts.TryAdd(parameter.Name, shared);
            if (texts.TryGetValue(parameter.Name, out var text) && text.Description.Length > 0) Compare(parameter, text);
            else Report($"-{parameter.Name} is not described");
        }

        var takesInput = command.Parameters.Any(static p => p.Pipeline.Count > 0);
        var inputs = page.Text("INPUTS");
        if (takesInput && inputs.Length == 0) Report("the command takes pipeline input: describe it in '## INPUTS'");
        if (!takesInput && inputs.Length > 0) Report("the command takes no pipeline input: remove '## INPUTS'");
        return problems > 0 ? null : new CommandHelp(command, page.Text("SYNOPSIS"), page.Text("DESCRIPTION"), examples, texts,
            inputs, page.Text("OUTPUTS"), page.Text("NOTES"), [.. page.LinkTexts("RELATED LINKS")]);

        void Compare(Parameter parameter, ParameterText text)
        {
            if (text.Default is not null && parameter.IsMandatory) Report($"-{parameter.Name} is mandatory and has no default");
            // That a switch is off needs no saying.
            var shown = text.Default ?? (parameter.IsSwitch ? "False" : null);
            if (shown == parameter.Default || parameter.MayHaveHiddenDefault) return;
            var actual = parameter.Default;
            Report($"the default of -{parameter.Name} is '{actual}': the page must have the line 'Default: {actual}'");
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
    /// <summary>Get-Help indents code by 4 in a terminal of 80 columns. It breaks a longer line, which then cannot be pasted.</summary>
    private const int Width = 76;

    public static CommandExample Parse(string heading, IReadOnlyList<Block> blocks, Action<string> report)
    {
        var code = blocks.OfType<FencedCodeBlock>().FirstOrDefault();
        var remarks = MarkdownSections.TextOf(blocks.Where(b => b != code));
        if (code is not { Info: "powershell" }) report($"the example '{heading}' has no ```powershell block");
        var text = code is null ? "" : MarkdownSections.CodeOf(code);
        var isTooWide = text.Split('\n').Any(static line => line.Length > Width);
        if (isTooWide) report($"a line of the example '{heading}' has more than {Width} characters");
        if (remarks.Length == 0) report($"the example '{heading}' does not say what happens");
        return new CommandExample(heading, text, remarks);
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
