using System.Management.Automation;

namespace IpcPs.Module.Serialization;

/// <summary>Reads properties whose getters may do anything.</summary>
internal static class PropertyValue
{
    /// <summary>The value; null where the getter fails, which says nothing about the other properties.</summary>
    public static object? Of(PSPropertyInfo property)
    {
        try
        {
            return property.Value;
        }
        catch (Exception e) when (e is not (OutOfMemoryException or PipelineStoppedException or OperationCanceledException))
        {
            return null;
        }
    }
}
