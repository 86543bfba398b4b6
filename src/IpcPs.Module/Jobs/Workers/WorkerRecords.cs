using System.Management.Automation;

namespace IpcPs.Module.Jobs.Workers;

/// <summary>Names the worker in the records that it wrote.</summary>
internal static class WorkerRecords
{
    /// <summary>The note property of an error that names its worker.</summary>
    private const string Worker = "Worker";

    /// <summary>Activity ids of different workers must not be the same. PowerShell's own are small.</summary>
    private const int ActivitiesPerWorker = 100_000;

    /// <summary>The record, with the name of the worker: in the text of a warning, a verbose or a debug record; in the activity of
    /// progress; as the property Worker of an error. An information record has the id of its process.</summary>
    public static object Named(object record, Worker worker)
    {
        switch (record)
        {
            case ErrorRecord error:
                return Named(error, worker);
            case WarningRecord warning:
                return new WarningRecord(warning.FullyQualifiedWarningId, $"{worker}: {warning.Message}");
            case VerboseRecord verbose:
                return new VerboseRecord($"{worker}: {verbose.Message}");
            case DebugRecord debug:
                return new DebugRecord($"{worker}: {debug.Message}");
            case ProgressRecord progress:
                return Named(progress, worker);
            default:
                return record;
        }
    }

    /// <inheritdoc cref="Named(object, Worker)"/>
    public static ErrorRecord Named(ErrorRecord error, Worker worker)
    {
        var properties = PSObject.AsPSObject(error).Properties;
        if (properties[Worker] is null) properties.Add(new PSNoteProperty(Worker, worker.ToString()));
        return error;
    }

    private static ProgressRecord Named(ProgressRecord progress, Worker worker)
    {
        var first = worker.Number * ActivitiesPerWorker;
        return new ProgressRecord(first + progress.ActivityId, $"Worker {worker.Number}: {progress.Activity}", progress.StatusDescription)
        {
            CurrentOperation = progress.CurrentOperation,
            ParentActivityId = progress.ParentActivityId < 0 ? progress.ParentActivityId : first + progress.ParentActivityId,
            PercentComplete = progress.PercentComplete,
            RecordType = progress.RecordType,
            SecondsRemaining = progress.SecondsRemaining,
        };
    }
}
