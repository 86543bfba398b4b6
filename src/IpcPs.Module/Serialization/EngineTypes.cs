using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Remoting;
using Microsoft.PowerShell;
using Microsoft.PowerShell.Commands;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>The types of PowerShell's engine that its own serializer restores. They are restored here by the same code of the engine, from
/// this fixed list. Breakpoints and the debugger's types are not in it, because the engine would make code of a peer's text.</summary>
internal static class EngineTypes
{
    // The position is the code on the wire: new types are added at the end.
    private static readonly Type[] ByCode =
    [
        typeof(PSListModifier),
        typeof(ModuleSpecification),
        typeof(CompletionResult),
        typeof(CommandCompletion),
        typeof(ParameterSetMetadata),
        typeof(JobStateInfo),
        typeof(JobStateEventArgs),
        typeof(PSSessionOption),
        typeof(ExtendedTypeDefinition),
        typeof(FormatViewDefinition),
        typeof(TableControl),
        typeof(ListControl),
        typeof(WideControl),
        typeof(CustomControl),
        typeof(PSControlGroupBy),
        typeof(DisplayEntry),
        typeof(EntrySelectedBy),
        typeof(TableControlColumnHeader),
        typeof(TableControlRow),
        typeof(TableControlColumn),
        typeof(ListControlEntry),
        typeof(ListControlEntryItem),
        typeof(WideControlEntryItem),
        typeof(CustomControlEntry),
        typeof(CustomItemNewline),
        typeof(CustomItemText),
        typeof(CustomItemFrame),
        typeof(CustomItemExpression),
    ];

    private static readonly Dictionary<Type, int> Codes =
        ByCode.Select(static (type, code) => (type, code)).ToDictionary(static entry => entry.type, static entry => entry.code);
    // The engine's type data hides them, and the engine needs them to restore a FormatViewDefinition and a ParameterSetMetadata.
    private static readonly string[] Hidden = ["InstanceId", "Flags"];
    private static readonly DeserializingTypeConverter Engine = new();

    /// <summary>Writes an object if it is of one of the types.</summary>
    public static bool TryWrite(ObjectEncoder encoder, object value, PSObject wrapped)
    {
        if (!Codes.TryGetValue(value.GetType(), out var code)) return false;
        encoder.BeginRestored(code);
        if (!encoder.BeginObject(value, ObjectCopier.TypeNames(wrapped), ValueText.TryOf(wrapped), out var bag)) return true;
        foreach (var name in PropertyNames(wrapped))
        {
            if (wrapped.Properties[name] is { IsGettable: true } property) bag.Add(name, PSObjectAccess.ValueOf(property));
        }
        bag.End();
        return true;
    }

    /// <summary>Creates an object again.</summary>
    /// <param name="code">The number of its type.</param>
    /// <param name="value">The copy of its properties.</param>
    /// <returns>The object; the copy if its properties do not fit, as in PowerShell.</returns>
    public static object? Restore(int code, object? value)
    {
        if (code >= ByCode.Length || value is not PSObject { BaseObject: PSCustomObject } copy) return value;
        var type = ByCode[code];
        try
        {
            PSObjectAccess.SetTypeNames(copy, [.. Chain(type).Select(static t => PSObjectModel.Prefix + t.FullName)]);
            return Engine.ConvertFrom(copy, type, CultureInfo.InvariantCulture, ignoreCase: true);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or PipelineStoppedException))
        {
            return value;
        }
    }

    private static IEnumerable<string> PropertyNames(PSObject wrapped) =>
        wrapped.Properties.Select(static property => property.Name).Union(Hidden, StringComparer.OrdinalIgnoreCase);

    private static IEnumerable<Type> Chain(Type? type)
    {
        for (; type is not null; type = type.BaseType) yield return type;
    }
}
