using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace IpcPs.HelpBuilder;

/// <summary>A command as PowerShell sees it.</summary>
internal sealed record Command(string Name, IReadOnlyList<IReadOnlyList<Parameter>> ParameterSets, IReadOnlyList<string> OutputTypes)
{
    /// <summary>Each parameter once; where parameter sets differ, as the default set has it, or else the first set that has it.</summary>
    public IEnumerable<Parameter> Parameters => ParameterSets.SelectMany(static s => s).DistinctBy(static p => p.Name);
}

/// <summary>A parameter in one parameter set.</summary>
/// <param name="Position">Null where it is given by name only.</param>
/// <param name="Pipeline">How it takes pipeline input: none, one or both of ByValue and ByPropertyName.</param>
/// <param name="Values">The values that it accepts; empty where that cannot be listed.</param>
/// <param name="Default">What it is where it is not given; null where the command's class does not tell.</param>
/// <param name="MayHaveHiddenDefault">Whether the class's value can stand for "not given". Then only the page says what happens.</param>
internal sealed record Parameter(string Name, string Type, bool IsSwitch, bool IsMandatory, int? Position, IReadOnlyList<string> Pipeline,
    IReadOnlyList<string> Aliases, bool HasWildcards, IReadOnlyList<string> Values, string? Default, bool MayHaveHiddenDefault);

/// <summary>Reads the commands of the built module. All facts of the help come from here, so that they cannot drift.</summary>
internal static class ModuleReader
{
    public static IEnumerable<Command> Read(string folder)
    {
        folder = Path.GetFullPath(folder);
        AssemblyLoadContext.Default.Resolving += (context, name) =>
            Path.Combine(folder, "deps", name.Name + ".dll") is var path && File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;
        var assembly = AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.Combine(folder, "IpcPs.Module.dll"));
        foreach (var type in assembly.GetExportedTypes())
        {
            if (type.GetCustomAttribute<CmdletAttribute>() is not { } cmdlet) continue;
            var info = new CmdletInfo($"{cmdlet.VerbName}-{cmdlet.NounName}", type);
            var instance = Activator.CreateInstance(type)!;
            var sets = info.ParameterSets.OrderByDescending(static s => s.IsDefault);
            yield return new Command(info.Name,
                [.. sets.Select(set => Ordered(set.Parameters).Select(p => Read(p, type, instance)).ToList())],
                [.. type.GetCustomAttributes<OutputTypeAttribute>().SelectMany(static a => a.Type).Select(static t => t.Name).Distinct()]);
        }
    }

    /// <summary>The order of Get-Command -Syntax.</summary>
    private static IEnumerable<CommandParameterInfo> Ordered(IEnumerable<CommandParameterInfo> parameters) =>
        parameters.Where(static p => !Cmdlet.CommonParameters.Contains(p.Name))
            .OrderBy(static p => p.Position >= 0 ? p.Position : int.MaxValue)
            .ThenBy(static p => p.Position < 0 && p.IsMandatory ? 0 : 1)
            .ThenBy(static p => Cmdlet.OptionalCommonParameters.Contains(p.Name) ? 1 : 0);

    private static Parameter Read(CommandParameterInfo info, Type cmdlet, object instance)
    {
        var type = Nullable.GetUnderlyingType(info.ParameterType) ?? info.ParameterType;
        var element = type.IsArray ? type.GetElementType()! : type;
        var allowed = info.Attributes.OfType<ValidateSetAttribute>().FirstOrDefault()?.ValidValues;
        // A set of flags, such as a mode, has more values than names.
        IList<string> values = allowed ?? (element.IsEnum && !element.IsDefined(typeof(FlagsAttribute)) ? Enum.GetNames(element) : []);
        var value = cmdlet.GetProperty(info.Name)?.GetValue(instance);
        // A number's zero may be what the command takes for "not given".
        var isZero = value is 0 or 0L;
        var isAllowed = values.Count == 0 || values.Contains(value?.ToString() ?? "");
        List<string> pipeline = [];
        if (info.ValueFromPipeline) pipeline.Add("ByValue");
        if (info.ValueFromPipelineByPropertyName) pipeline.Add("ByPropertyName");
        return new Parameter(info.Name, ShortName(element) + (type.IsArray ? "[]" : ""), type == typeof(SwitchParameter), info.IsMandatory,
            info.Position >= 0 ? info.Position : null, pipeline, [.. info.Aliases],
            info.Attributes.OfType<SupportsWildcardsAttribute>().Any(), [.. values],
            info.IsMandatory || !isAllowed ? null : Text(value), info.IsMandatory || isZero || !isAllowed || value is null);
    }

    /// <summary>What Get-Command -Syntax calls a type: <c>string</c>, <c>long</c>, and others by their names without namespace.</summary>
    private static string ShortName(Type type) =>
        LanguagePrimitives.ConvertTypeNameToPSTypeName(type.FullName!).Trim('[', ']').Split('.')[^1];

    private static string? Text(object? value) => value switch
    {
        null => null,
        SwitchParameter isOn => isOn.IsPresent ? "True" : "False",
        long and >= 1 << 20 and var size when size % (1 << 20) == 0 => $"{size >> 20}MB",
        string text => text,
        IEnumerable list => string.Join(", ", list.Cast<object>()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
