using System.Text;
using IpcPs.HelpBuilder;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: IpcPs.HelpBuilder SOURCE-FOLDER MODULE-FOLDER TARGET-FOLDER");
    return 2;
}
var (source, module, target) = (args[0], args[1], args[2]);
var commands = ModuleReader.Read(module).ToDictionary(static c => c.Name, StringComparer.Ordinal);
var help = new List<CommandHelp>();
var problems = new List<string>();
Directory.CreateDirectory(target);
foreach (var file in Directory.EnumerateFiles(source, "*.md").Order(StringComparer.Ordinal))
{
    var name = Path.GetFileNameWithoutExtension(file);
    var text = File.ReadAllText(file);
    if (name.StartsWith("about_", StringComparison.Ordinal))
    {
        File.WriteAllText(Path.Combine(target, name + ".help.txt"), Wrap(MarkdownSections.WholeText(text)));
        continue;
    }
    // The form that MSBuild shows as an error of that file.
    void Report(string problem) => problems.Add($"{file}: error IPCHELP: {problem}");
    if (!commands.Remove(name, out var command)) Report($"the module has no command {name}");
    else if (CommandHelp.Join(command, MarkdownSections.Split(text), Report) is { } page) help.Add(page);
}
problems.AddRange(commands.Keys.Select(name => $"{source}: error IPCHELP: there is no page {name}.md"));
problems.ForEach(Console.Error.WriteLine);
if (problems.Count > 0) return 1;
MamlWriter.Write(help, Path.Combine(target, "IpcPs.Module.dll-Help.xml"));
Console.WriteLine($"help for {help.Count} commands");
return 0;

// Get-Help prints an about topic as it is, and a terminal would break it in the middle of a word.
static string Wrap(string text)
{
    const int Width = 80;
    var lines = new StringBuilder();
    foreach (var line in text.Split('\n'))
    {
        var rest = line;
        var isCode = line.StartsWith("    ", StringComparison.Ordinal);
        var indent = line.StartsWith("- ", StringComparison.Ordinal) ? "  " : "";
        while (!isCode && rest.Length > Width && rest.LastIndexOf(' ', Width) is var at && at > indent.Length)
        {
            lines.Append(rest.AsSpan(0, at)).Append('\n');
            rest = indent + rest[(at + 1)..];
        }
        lines.Append(rest).Append('\n');
    }
    return lines.ToString();
}
