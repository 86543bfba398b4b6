using System.Management.Automation;

namespace IpcPs.Module.Serialization;

/// <summary>The text of a value as PowerShell has it: what "$value" gives, in the invariant culture.</summary>
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
            throw new IpcException(IpcErrors.InvalidArgument, $"A {value.GetType()} has no text: {e.Message}", inner: e);
        }
    }

    /// <summary>As <see cref="Of"/>, where the text is only an addition: null where the object has none.</summary>
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
