using System.Management.Automation;

namespace IpcPs.Module;

/// <summary>Turns the core's exceptions into PowerShell's error records: the one place that does.</summary>
internal static class ErrorRecords
{
    public static ErrorRecord ToRecord(IpcException exception, object? target = null)
    {
        var category = Enum.TryParse<ErrorCategory>(exception.Id.Category.ToString(), out var known) ? known : ErrorCategory.NotSpecified;
        var record = new ErrorRecord(exception, exception.Id.Name, category, target ?? exception.Target);
        if (exception.RecommendedAction is { } advice) record.ErrorDetails = new ErrorDetails(exception.Message) { RecommendedAction = advice };
        return record;
    }
}
