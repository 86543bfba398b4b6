using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>The built help beside Get-Command, and the pages of docs/en-US beside what they speak of.</summary>
public sealed partial class HelpTests : IDisposable
{
    private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace Cmd = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";
    private static readonly string Pages = Path.Combine(Build.RepositoryRoot, "docs", "en-US");

    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void The_help_says_of_each_command_and_parameter_what_Get_Command_says()
    {
        var help = BuiltHelp();
        var commands = Commands();
        Assert.Equal(commands.Select(static c => c.Name).Order(), help.Keys.Order());
        foreach (var command in commands)
        {
            var page = help[command.Name];
            Assert.Equal(
                command.ParameterSets.Select(set => $"{command.Name} {set}").Order(),
                page.Element(Cmd + "syntax")!.Elements(Cmd + "syntaxItem").Select(SyntaxLine).Order());
            Assert.Equal(
                ParametersOf(command).Select(p => $"{command.Name} -{Facts(p)}").Order(),
                page.Element(Cmd + "parameters")!.Elements(Cmd + "parameter").Select(p => $"{command.Name} -{Facts(p)}").Order());
        }
    }

    /// <remarks>Two kinds of default cannot be compared. A mandatory parameter has none. Where a property is null or zero, or has a
    /// value that cannot be given, it stands for "not given", and only the page says what the command does then.</remarks>
    [Fact]
    public void The_help_shows_the_default_that_the_command_s_class_has()
    {
        var help = BuiltHelp();
        var compared = 0;
        foreach (var command in Commands())
        {
            var instance = Activator.CreateInstance(command.ImplementingType)!;
            foreach (var parameter in ParametersOf(command).Where(static p => !p.IsMandatory))
            {
                var value = command.ImplementingType.GetProperty(parameter.Name)?.GetValue(instance);
                var expected = value switch
                {
                    SwitchParameter isOn => isOn ? "True" : "False",
                    long and 1024 * 1024 => "1MB",
                    string[] names => string.Join(", ", names),
                    null or 0 or 0L => null,
                    _ => Convert.ToString(value, CultureInfo.InvariantCulture),
                };
                if (expected is null || !IsAllowed(parameter, expected)) continue;
                var shown = help[command.Name].Element(Cmd + "parameters")!.Elements()
                    .First(p => p.Element(Maml + "name")!.Value == parameter.Name).Element(Dev + "defaultValue")!.Value;
                Assert.Equal($"{command.Name} -{parameter.Name}: {expected}", $"{command.Name} -{parameter.Name}: {shown}");
                compared++;
            }
        }
        Assert.True(compared > 50, $"Only {compared} defaults were compared.");
    }

    [Fact]
    public void Get_Help_shows_every_part_of_each_page()
    {
        foreach (var command in Commands())
        {
            var shown = _session.Run("""
                $help = Get-Help $args[0] -Full
                $help.Synopsis
                @($help.description).Text
                @($help.examples.example).Count -ge 2
                foreach ($example in $help.examples.example) { $example.title; $example.code; @($example.remarks)[0].Text }
                @($help.inputTypes.inputType)[0].type.name
                @($help.returnValues.returnValue)[0].type.name
                @($help.relatedLinks.navigationLink).linkText
                """, command.Name).NoErrors().Values;
            Assert.DoesNotContain(shown, static part => part is not true && string.IsNullOrWhiteSpace(part as string));
        }
    }

    [Fact]
    public void Every_link_of_a_page_leads_to_a_page() =>
        Assert.All(Directory.EnumerateFiles(Pages).SelectMany(static page => Link().Matches(File.ReadAllText(page))),
            static link => Assert.True(File.Exists(Path.Combine(Pages, link.Groups[1].Value)), link.Value));

    [Fact]
    public void Every_error_that_a_page_lists_exists()
    {
        var ids = typeof(IpcErrors).GetFields().Select(static f => f.GetValue(null)).OfType<IpcErrorId>().Select(static id => id.Name);
        var listed = Directory.EnumerateFiles(Pages).SelectMany(static page => ErrorList().Matches(File.ReadAllText(page)))
            .SelectMany(static list => ErrorId().Matches(list.Value)).Select(static id => id.Value).ToHashSet();
        Assert.True(listed.Count > 10);
        Assert.Empty(listed.Except(ids));
    }

    [Fact]
    public void The_page_of_Test_IpcFeature_names_every_feature()
    {
        var text = _session.Run("(Get-Help Test-IpcFeature -Parameter Name).description[0].Text").Single()!.ToString()!;
        var names = _session.Run("(Test-IpcFeature).Name").NoErrors().Values.Cast<string>();
        Assert.Equal(names, text.Split(':')[1].Split('.')[0].Split(',', StringSplitOptions.TrimEntries));
    }

    [Fact]
    public void A_page_that_does_not_fit_its_command_fails_the_build()
    {
        (string Right, string Wrong, string Problem)[] mistakes =
        [
            ("### -Peek", "### -Peak", "the command has no parameter -Peak"),
            ("", "", "-Peek is not described"),
            ("Default: Auto", "Default: Text", "the default of -Format is 'Auto'"),
            ("Default: 1", "Default: 2", "the default of -Count is '1': the page must have the line 'Default: 1'"),
            ("## INPUTS", "## INPUT", "the command takes pipeline input: describe it in '## INPUTS'"),
            ("## SYNOPSIS", "## SUMMARY", "there is no '## SYNOPSIS'"),
            ("```powershell", "```text", "the example 'Receive an object' has no ```powershell block"),
        ];
        var folder = Directory.CreateTempSubdirectory("ipcps-help-").FullName;
        try
        {
            var page = File.ReadAllText(Path.Combine(Pages, "Receive-IpcMessage.md"));
            foreach (var (right, wrong, _) in mistakes)
            {
                if (right.Length > 0) page = page.Replace(right, wrong, StringComparison.Ordinal);
            }
            File.WriteAllText(Path.Combine(folder, "Receive-IpcMessage.md"), page);
            var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
            var builder = $"{Build.RepositoryRoot}build/IpcPs.HelpBuilder/bin/{configuration}/net10.0/IpcPs.HelpBuilder.dll";
            string[] arguments = [builder, folder, Path.Combine(Build.RepositoryRoot, "module", "bin"), Path.Combine(folder, "out")];
            using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(1, process.ExitCode);
            Assert.All(mistakes, mistake => Assert.Contains($"Receive-IpcMessage.md: error IPCHELP: {mistake.Problem}", errors));
            Assert.Contains("there is no page Send-IpcMessage.md", errors, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dictionary<string, XElement> BuiltHelp() =>
        XDocument.Load(Path.Combine(Build.RepositoryRoot, "en-US", "IpcPs.Module.dll-Help.xml")).Root!.Elements(Cmd + "command")
            .ToDictionary(static c => c.Element(Cmd + "details")!.Element(Cmd + "name")!.Value);

    private List<CmdletInfo> Commands() => [.. _session.Run("Get-Command -Module IpcPs").NoErrors().Values.Cast<CmdletInfo>()];

    /// <summary>Each parameter once: as the default parameter set has it, or else the first one that does.</summary>
    private static IEnumerable<CommandParameterInfo> ParametersOf(CmdletInfo command) =>
        command.ParameterSets.OrderByDescending(static s => s.IsDefault).SelectMany(static s => s.Parameters).DistinctBy(static p => p.Name)
            .Where(static p => !Cmdlet.CommonParameters.Contains(p.Name));

    private static bool IsAllowed(CommandParameterInfo parameter, string value) =>
        parameter.Attributes.OfType<ValidateSetAttribute>().All(set => set.ValidValues.Contains(value))
        && (!parameter.ParameterType.IsEnum || Enum.GetNames(parameter.ParameterType).Contains(value));

    private static string Facts(CommandParameterInfo p)
    {
        var position = p.Position < 0 ? "named" : p.Position.ToString(CultureInfo.InvariantCulture);
        var pipeline = (p.ValueFromPipeline, p.ValueFromPipelineByPropertyName) switch
        {
            (true, true) => "True (ByValue, ByPropertyName)",
            (true, false) => "True (ByValue)",
            (false, true) => "True (ByPropertyName)",
            _ => "False",
        };
        var aliases = p.Aliases.Count == 0 ? "none" : string.Join(", ", p.Aliases);
        var wildcards = p.Attributes.OfType<SupportsWildcardsAttribute>().Any();
        return $"{p.Name} required {p.IsMandatory}, position {position}, pipeline {pipeline}, aliases {aliases}, wildcards {wildcards}";
    }

    private static string Facts(XElement p) =>
        $"{p.Element(Maml + "name")!.Value} required {IsTrue(p, "required")}, position {p.Attribute("position")!.Value}, "
        + $"pipeline {p.Attribute("pipelineInput")!.Value}, aliases {p.Attribute("aliases")!.Value}, wildcards {IsTrue(p, "globbing")}";

    /// <summary>The line that Get-Help prints for a parameter set.</summary>
    private static string SyntaxLine(XElement item) =>
        string.Join(' ', item.Elements(Cmd + "parameter").Select(static p =>
        {
            var name = $"-{p.Element(Maml + "name")!.Value}";
            if (p.Attribute("position")!.Value != "named") name = $"[{name}]";
            if (p.Element(Cmd + "parameterValue") is { } value) name += $" <{value.Value}>";
            return IsTrue(p, "required") ? name : $"[{name}]";
        }).Prepend(item.Element(Maml + "name")!.Value).Append("[<CommonParameters>]"));

    private static bool IsTrue(XElement element, string attribute) => element.Attribute(attribute)!.Value == "true";

    [GeneratedRegex(@"\]\((\S+?\.md)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^Errors: [^#]*", RegexOptions.Multiline)]
    private static partial Regex ErrorList();

    [GeneratedRegex(@"(?<!-)\bIpc[A-Z]\w+")]
    private static partial Regex ErrorId();
}
