using System.Management.Automation;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Writes the records of PowerShell's streams. A user can read the properties of the copy, and <see cref="StreamRecordReader"/>
/// can create the record again.</summary>
internal static class StreamRecordWriter
{
    public const string Namespace = "System.Management.Automation.";

    /// <summary>Writes a value if it is such a record.</summary>
    public static bool TryWrite(ObjectEncoder encoder, object value)
    {
        switch (value)
        {
            case ErrorRecord error:
                Write(encoder, error);
                return true;
            case InformationalRecord record:
                Write(encoder, record);
                return true;
            case InformationRecord record:
                Write(encoder, record);
                return true;
            case ProgressRecord record:
                Write(encoder, record);
                return true;
            case InvocationInfo invocation:
                Write(encoder, invocation);
                return true;
            default:
                return false;
        }
    }

    private static void Write(ObjectEncoder encoder, ErrorRecord error)
    {
        if (!encoder.BeginObject(error, [Namespace + nameof(ErrorRecord), "System.Object"], ValueText.TryOf(error), out var bag)) return;
        bag.Add("Message", error.ErrorDetails?.Message is { Length: > 0 } message ? message : error.Exception?.Message);
        bag.Add("FullyQualifiedErrorId", error.FullyQualifiedErrorId);
        bag.AddName("CategoryInfo");
        Write(encoder, error.CategoryInfo);
        if (error.Exception is { } exception)
        {
            bag.AddName("Exception");
            ObjectCopier.WriteProperties(encoder, exception, PSObject.AsPSObject(exception));
        }
        bag.Add("TargetObject", TargetOf(error.TargetObject));
        if (error.ErrorDetails is { } details)
        {
            bag.AddName("ErrorDetails");
            Write(encoder, details);
        }
        if (error.InvocationInfo is { } invocation)
        {
            bag.AddName("InvocationInfo");
            Write(encoder, invocation);
            bag.Add("PositionMessage", invocation.PositionMessage);
        }
        bag.Add("ScriptStackTrace", error.ScriptStackTrace);
        bag.End();
    }

    private static void Write(ObjectEncoder encoder, ErrorCategoryInfo category)
    {
        string[] typeNames = [Namespace + nameof(ErrorCategoryInfo), "System.Object"];
        if (!encoder.BeginObject(category, typeNames, category.ToString(), out var bag)) return;
        bag.Add("Category", category.Category);
        bag.Add("Activity", category.Activity);
        bag.Add("Reason", category.Reason);
        bag.Add("TargetName", category.TargetName);
        bag.Add("TargetType", category.TargetType);
        bag.End();
    }

    private static void Write(ObjectEncoder encoder, ErrorDetails details)
    {
        if (!encoder.BeginObject(details, [Namespace + nameof(ErrorDetails), "System.Object"], details.ToString(), out var bag)) return;
        bag.Add("Message", details.Message);
        bag.Add("RecommendedAction", details.RecommendedAction);
        bag.End();
    }

    private static void Write(ObjectEncoder encoder, InvocationInfo invocation)
    {
        if (!encoder.BeginObject(invocation, [Namespace + nameof(InvocationInfo), "System.Object"], null, out var bag)) return;
        bag.Add("MyCommand", invocation.MyCommand?.Name);
        bag.Add("CommandType", invocation.MyCommand?.CommandType);
        bag.Add("InvocationName", invocation.InvocationName);
        bag.Add("ScriptName", invocation.ScriptName);
        bag.Add("ScriptLineNumber", invocation.ScriptLineNumber);
        bag.Add("OffsetInLine", invocation.OffsetInLine);
        bag.Add("Line", invocation.Line);
        bag.Add("PositionMessage", invocation.PositionMessage);
        bag.Add("HistoryId", invocation.HistoryId);
        bag.Add("PipelineLength", invocation.PipelineLength);
        bag.Add("PipelinePosition", invocation.PipelinePosition);
        bag.Add("ExpectingInput", invocation.ExpectingInput);
        bag.Add("CommandOrigin", invocation.CommandOrigin);
        bag.End();
    }

    private static void Write(ObjectEncoder encoder, InformationalRecord record)
    {
        var type = record switch
        {
            WarningRecord => nameof(WarningRecord),
            VerboseRecord => nameof(VerboseRecord),
            _ => nameof(DebugRecord),
        };
        string[] typeNames = [Namespace + type, Namespace + nameof(InformationalRecord), "System.Object"];
        if (!encoder.BeginObject(record, typeNames, record.Message, out var bag)) return;
        bag.Add("Message", record.Message);
        if (record is WarningRecord { FullyQualifiedWarningId: { Length: > 0 } id }) bag.Add("FullyQualifiedWarningId", id);
        if (record.InvocationInfo is { } invocation)
        {
            bag.AddName("InvocationInfo");
            Write(encoder, invocation);
        }
        bag.End();
    }

    private static void Write(ObjectEncoder encoder, InformationRecord record)
    {
        string[] typeNames = [Namespace + nameof(InformationRecord), "System.Object"];
        if (!encoder.BeginObject(record, typeNames, ValueText.TryOf(record), out var bag)) return;
        if (Unwrap(record.MessageData) is HostInformationMessage host)
        {
            bag.AddName("MessageData");
            Write(encoder, host);
        }
        else
        {
            bag.Add("MessageData", record.MessageData);
        }
        bag.Add("Source", record.Source);
        bag.Add("TimeGenerated", record.TimeGenerated);
        bag.Add("Tags", record.Tags);
        bag.Add("User", record.User);
        bag.Add("Computer", record.Computer);
        bag.Add("ProcessId", record.ProcessId);
        bag.Add("NativeThreadId", record.NativeThreadId);
        bag.Add("ManagedThreadId", record.ManagedThreadId);
        bag.End();
    }

    private static void Write(ObjectEncoder encoder, HostInformationMessage host)
    {
        if (!encoder.BeginObject(host, [Namespace + nameof(HostInformationMessage), "System.Object"], host.Message, out var bag)) return;
        bag.Add("Message", host.Message);
        bag.Add("NoNewLine", host.NoNewLine);
        bag.Add("ForegroundColor", host.ForegroundColor);
        bag.Add("BackgroundColor", host.BackgroundColor);
        bag.End();
    }

    private static void Write(ObjectEncoder encoder, ProgressRecord record)
    {
        if (!encoder.BeginObject(record, [Namespace + nameof(ProgressRecord), "System.Object"], record.ToString(), out var bag)) return;
        bag.Add("ActivityId", record.ActivityId);
        bag.Add("ParentActivityId", record.ParentActivityId);
        bag.Add("Activity", record.Activity);
        bag.Add("StatusDescription", record.StatusDescription);
        bag.Add("CurrentOperation", record.CurrentOperation);
        bag.Add("PercentComplete", record.PercentComplete);
        bag.Add("SecondsRemaining", record.SecondsRemaining);
        bag.Add("RecordType", record.RecordType);
        bag.End();
    }

    // A simple value is sent as it is. Of a larger object only the text is, because the message is about the error.
    private static object? TargetOf(object? target)
    {
        var plain = Unwrap(target);
        return plain is null or string or ValueType ? plain : ValueText.TryOf(target!);
    }

    private static object? Unwrap(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;
}
