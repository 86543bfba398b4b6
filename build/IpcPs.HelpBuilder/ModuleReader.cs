using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace IpcPs.HelpBuilder;

/// <summary>A command as PowerShell sees it.</summary>
internal sealed record Command(string Name, IReadOnlyList<IReadOnlyList<Parameter>> ParameterSets, IReadOnlyList<string> OutputTypes)
{
    /// <summary>Each parameter once; where parameter sets differ, as its first set has it.</summary>
    public IEnumerable<Parameter> Parameters => ParameterSets.SelectMany(static s => s).DistinctBy(static p => p.Name);
}

/// <summary>A parameter in one parameter set.</summary>
/// <param name="Position">Null where it is given by name only.</param>
/// <param name="Pipeline">How it takes pipeline input: none, one or both of ByValue and ByPropertyName.</param>
/// <param name="Values">The values that it accepts; empty where that cannot be listed.</param>
/// <param name="Default">What it is where it is not given; null where the command's class does not tell.</param>
/// <param name="MayHaveHiddenDefault">Whether the class's value can stand for "not given", so that the page may say what happens then.</param>
internal sealed record Parameter(string Name, string Type, bool IsSwitch, bool IsMandatory, int? Position, IReadOnlyList<string> Pipeline, IReadOnlyList<string> Aliases,
    bool HasWildcards, IReadOnlyList<string> Values, string? Default, bool MayHaveHiddenDefault);

/// <summary>Reads the commands of the built module: everything that the help says about parameters comes from here, so that it cannot drift.</summary>
internal static class ModuleReader
{
    public static IEnumerable<Command> Read(string folder)
    {
        AssemblyLoadContext.Default.Resolving += (context, name) =>
            new[] { folder, Path.Combine(folder, "deps") }.Select(f => Path.Combine(f, name.Name + ".dll")).FirstOrDefault(File.Exists) is { } path
                ? context.LoadFromAssemblyPath(path) : null;
        var assembly = AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.GetFullPath(Path.Combine(folder, "IpcPs.Module.dll")));
        foreach (var type in assembly.GetExportedTypes())
        {
            if (type.GetCustomAttribute<CmdletAttribute>() is not { } cmdlet) continue;
            var info = new CmdletInfo($"{cmdlet.VerbName}-{cmdlet.NounName}", type);
            var instance = Activator.CreateInstance(type)!;
            yield return new Command(info.Name,
                [.. info.ParameterSets.OrderByDescending(static s => s.IsDefault).Select(set => Ordered(set.Parameters).Select(p => Read(p, type, instance)).ToList())],
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
        var named = element.IsEnum && !element.IsDefined(typeof(FlagsAttribute)) ? Enum.GetNames(element) : [];
        var value = cmdlet.GetProperty(info.Name)?.GetValue(instance);
        // A zero that is not allowed, or that the command takes for "not given", is no default.
        var isZero = value is not null && value.GetType().IsValueType && value.Equals(Activator.CreateInstance(value.GetType()));
        var isAllowed = (allowed is null || allowed.Contains(value?.ToString(), StringComparer.OrdinalIgnoreCase))
            && info.Attributes.OfType<ValidateRangeAttribute>().All(r => r.MinRange is not IComparable least || value is null || least.CompareTo(value) <= 0);
        return new Parameter(info.Name, LanguagePrimitives.ConvertTypeNameToPSTypeName(type.FullName!).Trim('[', ']'), type == typeof(SwitchParameter), info.IsMandatory,
            info.Position >= 0 ? info.Position : null,
            [.. new[] { info.ValueFromPipeline ? "ByValue" : "", info.ValueFromPipelineByPropertyName ? "ByPropertyName" : "" }.Where(static w => w.Length > 0)],
            [.. info.Aliases], info.Attributes.OfType<SupportsWildcardsAttribute>().Any(), [.. allowed ?? named],
            info.IsMandatory || !isAllowed ? null : Text(value), info.IsMandatory || isZero || !isAllowed || value is null);
    }

    private static string? Text(object? value) => value switch
    {
        null => null,
        SwitchParameter isOn => isOn.IsPresent ? "True" : "False",
        UnixFileMode mode => Convert.ToString((int)mode, 8),
        long and >= 1 << 20 and var size when size % (1 << 20) == 0 => $"{size >> 20}MB",
        string text => text,
        IEnumerable list => string.Join(", ", list.Cast<object>()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
