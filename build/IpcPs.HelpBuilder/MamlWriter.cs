using System.Xml.Linq;

namespace IpcPs.HelpBuilder;

/// <summary>Writes MAML, the XML that Get-Help reads.</summary>
internal static class MamlWriter
{
    private static readonly XNamespace Msh = "http://msh";
    private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    public static void Write(IEnumerable<CommandPage> pages, string path)
    {
        var items = new XElement(Msh + "helpItems", new XAttribute("schema", "maml"), pages.Select(Page));
        new XDocument(new XDeclaration("1.0", "utf-8", null), items).Save(path);
    }

    private static XElement Page(CommandPage page)
    {
        var dash = page.Name.IndexOf('-', StringComparison.Ordinal);
        return new XElement(Command + "command",
            new XAttribute(XNamespace.Xmlns + "maml", Maml), new XAttribute(XNamespace.Xmlns + "command", Command), new XAttribute(XNamespace.Xmlns + "dev", Dev),
            new XElement(Command + "details",
                new XElement(Command + "name", page.Name), new XElement(Command + "verb", page.Name[..dash]), new XElement(Command + "noun", page.Name[(dash + 1)..]),
                new XElement(Maml + "description", Paragraphs(page.Synopsis))),
            new XElement(Maml + "description", Paragraphs(page.Description)),
            new XElement(Command + "syntax", Sets(page).Select(set => Syntax(page, set))),
            new XElement(Command + "parameters", page.Parameters.Select(static p => Parameter(p))),
            new XElement(Command + "inputTypes", Type("inputType", page.Inputs)),
            new XElement(Command + "returnValues", Type("returnValue", page.Outputs)),
            new XElement(Maml + "alertSet", new XElement(Maml + "alert", Paragraphs(page.Notes))),
            new XElement(Command + "examples", page.Examples.Select(Example)),
            new XElement(Command + "relatedLinks", page.Transports.Select(static l =>
                new XElement(Maml + "navigationLink", new XElement(Maml + "linkText", l.Text), new XElement(Maml + "uri", l.Link.StartsWith("http", StringComparison.Ordinal) ? l.Link : "")))));
    }

    private static List<string> Sets(CommandPage page)
    {
        var named = page.Parameters.SelectMany(static p => p.Sets).Where(static s => s != "(All)").Distinct().ToList();
        return named.Count == 0 ? ["(All)"] : named;
    }

    private static XElement Syntax(CommandPage page, string set) =>
        new(Command + "syntaxItem", new XElement(Maml + "name", page.Name),
            page.Parameters.Where(p => p.Sets.Contains(set) || p.Sets.Contains("(All)")).OrderBy(static p => int.TryParse(p.Position, out var at) ? at : int.MaxValue).Select(static p => Parameter(p)));

    private static XElement Parameter(CommandParameter parameter)
    {
        var isSwitch = parameter.Type == "SwitchParameter";
        return new XElement(Command + "parameter",
            new XAttribute("required", parameter.Required ? "true" : "false"), new XAttribute("globbing", parameter.Wildcards ? "true" : "false"),
            new XAttribute("pipelineInput", parameter.PipelineInput), new XAttribute("position", parameter.Position.ToLowerInvariant()), new XAttribute("aliases", parameter.Aliases.Length == 0 ? "none" : parameter.Aliases),
            new XElement(Maml + "name", parameter.Name),
            new XElement(Maml + "description", Paragraphs(parameter.Description)),
            parameter.AcceptedValues.Count == 0 ? null : new XElement(Command + "parameterValueGroup", parameter.AcceptedValues.Select(static v =>
                new XElement(Command + "parameterValue", new XAttribute("required", "false"), new XAttribute("variableLength", "false"), v))),
            isSwitch ? null : new XElement(Command + "parameterValue", new XAttribute("required", "true"), new XAttribute("variableLength", parameter.Type.EndsWith("[]", StringComparison.Ordinal) ? "true" : "false"), parameter.Type),
            new XElement(Dev + "type", new XElement(Maml + "name", parameter.Type), new XElement(Maml + "uri")),
            new XElement(Dev + "defaultValue", parameter.Default));
    }

    private static XElement Type(string element, string text) =>
        new(Command + element, new XElement(Dev + "type", new XElement(Maml + "name", text.Split('\n')[0])), new XElement(Maml + "description", Paragraphs(string.Join('\n', text.Split('\n').Skip(1)).Trim())));

    private static XElement Example(CommandExample example) =>
        new(Command + "example", new XElement(Maml + "title", $"--- {example.Title} ---"), new XElement(Dev + "code", example.Code), new XElement(Dev + "remarks", Paragraphs(example.Remarks)));

    private static IEnumerable<XElement> Paragraphs(string text) =>
        text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(static p => new XElement(Maml + "para", p));
}
