using System.Management.Automation;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Properties that someone added to a string, a number, an array: they travel with it.</summary>
internal static class ExtendedMembers
{
    /// <summary>What providers and Get-Content add to each line and path of their own accord: six properties, two of them whole objects, on every line of a
    /// text are not what somebody means to send.</summary>
    private static readonly HashSet<string> OfProviders = new(StringComparer.OrdinalIgnoreCase)
    {
        "PSPath", "PSParentPath", "PSChildName", "PSDrive", "PSProvider", "ReadCount",
    };

    /// <summary>Writes a value with what was added to it.</summary>
    /// <returns>False where there is nothing to write but the value.</returns>
    public static bool TryWrite(ObjectEncoder encoder, object value, PSObject wrapped)
    {
        var properties = new List<PSPropertyInfo>();
        foreach (var property in wrapped.Properties.Match("*", PSMemberTypes.NoteProperty | PSMemberTypes.ScriptProperty))
        {
            if (property.IsInstance && !OfProviders.Contains(property.Name)) properties.Add(property);
        }
        if (properties.Count == 0) return false;
        if (!encoder.BeginDecorated(value, [], out var bag)) return true;
        foreach (var property in properties) bag.Add(property.Name, PropertyValue.Of(property));
        bag.End();
        return true;
    }
}
