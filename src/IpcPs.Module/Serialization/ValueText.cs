using System.Management.Automation;

namespace IpcPs.Module.Serialization;

/// <summary>The text of a value in PowerShell: that of "$value", in the invariant culture.</summary>
internal static class ValueText
{
    public static string Of(object? value)
    {
        switch (value)
        {
            case null:
                return "";
            case string text:
                return text;
        }
        try
        {
            return LanguagePrimitives.ConvertTo<string>(value) ?? "";
        }
        catch (Exception e) when (e is RuntimeException or InvalidCastException)
        {
            throw new IpcException(IpcErrors.InvalidArgument, $"A {value.GetType()} could not be converted to text: {e.Message}", inner: e);
        }
    }

    /// <summary>The text of an object whose properties are sent too; null if its ToString fails.</summary>
    public static string? TryOf(object value)
    {
        try
        {
            return value.ToString();
        }
        catch (Exception e) when (e is not (OutOfMemoryException or PipelineStoppedException))
        {
            return null;
        }
    }
}
