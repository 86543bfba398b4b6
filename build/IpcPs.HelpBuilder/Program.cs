using IpcPs.HelpBuilder;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: IpcPs.HelpBuilder SOURCE-FOLDER TARGET-FOLDER");
    return 2;
}
var pages = new List<CommandPage>();
var problems = new List<string>();
Directory.CreateDirectory(args[1]);
foreach (var file in Directory.EnumerateFiles(args[0], "*.md").Order(StringComparer.Ordinal))
{
    var name = Path.GetFileNameWithoutExtension(file);
    try
    {
        if (name.StartsWith("about_", StringComparison.Ordinal)) File.WriteAllText(Path.Combine(args[1], name + ".help.txt"), AboutTopic.ToText(File.ReadAllText(file)));
        else pages.Add(CommandPage.Parse(File.ReadAllText(file)));
    }
    catch (FormatException e)
    {
        // The form that MSBuild shows as an error of that file.
        problems.Add($"{file}: error IPCHELP: {e.Message}");
    }
}
problems.ForEach(Console.Error.WriteLine);
if (problems.Count > 0) return 1;
MamlWriter.Write(pages, Path.Combine(args[1], "IpcPs.Module.dll-Help.xml"));
Console.WriteLine($"help for {pages.Count} commands");
return 0;
