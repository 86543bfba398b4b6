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
        File.WriteAllText(Path.Combine(target, name + ".help.txt"), MarkdownSections.WholeText(text) + "\n");
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
