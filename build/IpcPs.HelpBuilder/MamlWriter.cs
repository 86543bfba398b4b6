using System.Globalization;
using System.Xml.Linq;

namespace IpcPs.HelpBuilder;

/// <summary>Writes MAML, the XML that Get-Help reads.</summary>
internal static class MamlWriter
{
    private static readonly XNamespace Msh = "http://msh";
    private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace Cmd = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    public static void Write(IEnumerable<CommandHelp> help, string path)
    {
        var items = new XElement(Msh + "helpItems", new XAttribute("schema", "maml"), help.Select(Item));
        new XDocument(new XDeclaration("1.0", "utf-8", null), items).Save(path);
    }

    private static XElement Item(CommandHelp help)
    {
        var command = help.Command;
        var verbAndNoun = command.Name.Split('-');
        return new XElement(Cmd + "command",
            new XAttribute(XNamespace.Xmlns + "maml", Maml),
            new XAttribute(XNamespace.Xmlns + "command", Cmd),
            new XAttribute(XNamespace.Xmlns + "dev", Dev),
            new XElement(Cmd + "details",
                new XElement(Cmd + "name", command.Name),
                new XElement(Cmd + "verb", verbAndNoun[0]),
                new XElement(Cmd + "noun", verbAndNoun[1]),
                new XElement(Maml + "description", Paragraphs(help.Synopsis))),
            new XElement(Maml + "description", Paragraphs(help.Description)),
            new XElement(Cmd + "syntax", command.ParameterSets.Select(set => new XElement(Cmd + "syntaxItem",
                new XElement(Maml + "name", command.Name), set.Select(p => Element(p, help.Parameters[p.Name]))))),
            new XElement(Cmd + "parameters", command.Parameters.Select(p => Element(p, help.Parameters[p.Name]))),
            new XElement(Cmd + "inputTypes", Type("inputType", help.Inputs.Length == 0 ? "None" : help.Inputs, "")),
            new XElement(Cmd + "returnValues", OutputTypes(command, help.Outputs)),
            new XElement(Maml + "alertSet", new XElement(Maml + "alert", Paragraphs(help.Notes))),
            new XElement(Cmd + "examples", help.Examples.Select(Example)),
            new XElement(Cmd + "relatedLinks", help.Links.Select(static link =>
                new XElement(Maml + "navigationLink", new XElement(Maml + "linkText", link), new XElement(Maml + "uri")))));
    }

    private static XElement Element(Parameter parameter, ParameterText text)
    {
        var pipeline = parameter.Pipeline.Count == 0 ? "False" : $"True ({string.Join(", ", parameter.Pipeline)})";
        var variableLength = parameter.Type.EndsWith("[]", StringComparison.Ordinal) ? "true" : "false";
        var values = parameter.Values.Count == 0 ? "" : $"Accepted values: {string.Join(", ", parameter.Values)}.";
        return new XElement(Cmd + "parameter",
            new XAttribute("required", parameter.IsMandatory ? "true" : "false"),
            new XAttribute("globbing", parameter.HasWildcards ? "true" : "false"),
            new XAttribute("pipelineInput", pipeline),
            new XAttribute("position", parameter.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"),
            new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
            new XElement(Maml + "name", parameter.Name),
            new XElement(Maml + "description", Paragraphs(text.Description), Paragraphs(values)),
            parameter.IsSwitch ? null : new XElement(Cmd + "parameterValue",
                new XAttribute("required", "true"), new XAttribute("variableLength", variableLength), parameter.Type),
            new XElement(Dev + "type", new XElement(Maml + "name", parameter.Type), new XElement(Maml + "uri")),
            new XElement(Dev + "defaultValue", text.Default ?? (parameter.IsSwitch ? "False" : "None")));
    }

    /// <summary>The types' names, and behind the last one what the page says.</summary>
    private static IEnumerable<XElement> OutputTypes(Command command, string text) =>
        command.OutputTypes.Count == 0
            ? [Type("returnValue", text, "")]
            : command.OutputTypes.Select((name, i) => Type("returnValue", name, i == command.OutputTypes.Count - 1 ? text : ""));

    private static XElement Type(string element, string name, string description) =>
        new(Cmd + element,
            new XElement(Dev + "type", new XElement(Maml + "name", name)),
            new XElement(Maml + "description", Paragraphs(description)));

    /// <remarks>The empty paragraph stands between an example and the next one's title.</remarks>
    private static XElement Example(CommandExample example, int index) =>
        new(Cmd + "example",
            new XElement(Maml + "title", string.Create(CultureInfo.InvariantCulture, $"--- Example {index + 1}: {example.Title} ---")),
            new XElement(Dev + "code", example.Code),
            new XElement(Dev + "remarks", Paragraphs(example.Remarks), new XElement(Maml + "para")));

    private static IEnumerable<XElement> Paragraphs(string text) =>
        text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(static p => new XElement(Maml + "para", p));
}
