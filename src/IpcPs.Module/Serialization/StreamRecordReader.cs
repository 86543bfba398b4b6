using System.Collections;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Creates the records of PowerShell's streams again from their copies, which <see cref="StreamRecordWriter"/> wrote. Properties
/// that are missing, or that have other types, stay empty: a copy from another program raises no exception.</summary>
internal static class StreamRecordReader
{
    private const string Prefix = PSObjectModel.Prefix + StreamRecordWriter.Namespace;

    /// <summary>Creates the record that a received value is a copy of.</summary>
    /// <param name="value">A value that was decoded.</param>
    /// <returns>An ErrorRecord, WarningRecord, VerboseRecord, DebugRecord, InformationRecord or ProgressRecord; null if the value is not a
    /// copy of one.</returns>
    public static object? Restore(object? value)
    {
        if (value is not PSObject copy) return null;
        var names = PSObjectAccess.Instance.TypeNames(copy);
        if (names.Count == 0 || !names[0].StartsWith(Prefix, StringComparison.Ordinal)) return null;
        return names[0][Prefix.Length..] switch
        {
            nameof(ErrorRecord) => ToErrorRecord(copy),
            nameof(WarningRecord) => ToWarningRecord(copy),
            nameof(VerboseRecord) => ToVerboseRecord(copy),
            nameof(DebugRecord) => ToDebugRecord(copy),
            nameof(InformationRecord) => ToInformationRecord(copy),
            nameof(ProgressRecord) => ToProgressRecord(copy),
            _ => null,
        };
    }

    /// <summary>Creates an error with the id, category, position and script stack of the original. Its exception is a RemoteException with
    /// the copy of the original one.</summary>
    public static ErrorRecord ToErrorRecord(object? value)
    {
        var copy = Bag(value);
        try
        {
            if (PSObjectAccess.Instance.ToErrorRecord(RemotingNotes(copy)) is { } whole) return whole;
        }
        catch (Exception e) when (e is InvalidCastException or RuntimeException or ArgumentException or NullReferenceException)
        {
            // This version of PowerShell expects other notes. The public constructor gives everything except the position.
        }
        return PlainErrorRecord(copy);
    }

    /// <summary>A warning.</summary>
    public static WarningRecord ToWarningRecord(object? value)
    {
        var copy = Bag(value);
        var message = Message(copy);
        return Text(copy, "FullyQualifiedWarningId") is { Length: > 0 } id ? new WarningRecord(id, message) : new WarningRecord(message);
    }

    /// <summary>A verbose message.</summary>
    public static VerboseRecord ToVerboseRecord(object? value) => new(Message(Bag(value)));

    /// <summary>A debug message.</summary>
    public static DebugRecord ToDebugRecord(object? value) => new(Message(Bag(value)));

    /// <summary>An information record. If Write-Host created it, it still has its colours.</summary>
    public static InformationRecord ToInformationRecord(object? value)
    {
        var copy = Bag(value);
        var record = new InformationRecord(MessageData(Value(copy, "MessageData")), Text(copy, "Source") ?? "");
        if (Value(copy, "TimeGenerated") is DateTime time) record.TimeGenerated = time;
        var tags = Value(copy, "Tags") as IEnumerable;
        if (tags is not (null or string)) record.Tags.AddRange(tags.OfType<object>().Select(static tag => tag.ToString()));
        record.User = Text(copy, "User");
        record.Computer = Text(copy, "Computer");
        record.ProcessId = (uint)Number(copy, "ProcessId", 0);
        record.NativeThreadId = (uint)Number(copy, "NativeThreadId", 0);
        record.ManagedThreadId = (uint)Number(copy, "ManagedThreadId", 0);
        return record;
    }

    /// <summary>A progress record.</summary>
    public static ProgressRecord ToProgressRecord(object? value)
    {
        var copy = Bag(value);
        // PowerShell accepts neither of the two empty.
        var activity = Text(copy, "Activity") is { Length: > 0 } known ? known : " ";
        var status = Text(copy, "StatusDescription") is { Length: > 0 } described ? described : " ";
        var id = Math.Max(0, (int)Number(copy, "ActivityId", 0));
        var parent = Math.Max(-1, (int)Number(copy, "ParentActivityId", -1));
        return new ProgressRecord(id, activity, status)
        {
            ParentActivityId = parent == id ? -1 : parent,
            CurrentOperation = Text(copy, "CurrentOperation"),
            PercentComplete = (int)Math.Clamp(Number(copy, "PercentComplete", -1), -1, 100),
            SecondsRemaining = (int)Math.Clamp(Number(copy, "SecondsRemaining", -1), -1, int.MaxValue),
            RecordType = Number(copy, "RecordType", 0) == 1 ? ProgressRecordType.Completed : ProgressRecordType.Processing,
        };
    }

    /// <summary>The note properties as which PowerShell's remoting sends an error record.</summary>
    private static PSObject RemotingNotes(PSObject copy)
    {
        var category = Bag(Value(copy, "CategoryInfo"));
        var details = Value(copy, "ErrorDetails") as PSObject;
        var notes = new PSObject();
        Add("Exception", Value(copy, "Exception") as PSObject ?? WithMessage(Message(copy)));
        Add("TargetObject", Value(copy, "TargetObject"));
        Add("FullyQualifiedErrorId", Text(copy, "FullyQualifiedErrorId") ?? "");
        Add("ErrorCategory_Category", (int)Category(category));
        Add("ErrorCategory_Activity", Text(category, "Activity") ?? "");
        Add("ErrorCategory_Reason", Text(category, "Reason") ?? "");
        Add("ErrorCategory_TargetName", Text(category, "TargetName") ?? "");
        Add("ErrorCategory_TargetType", Text(category, "TargetType") ?? "");
        Add("ErrorCategory_Message", category.ToString() ?? "");
        Add("ErrorDetails_Message", details is null ? null : Text(details, "Message"));
        Add("ErrorDetails_RecommendedAction", details is null ? null : Text(details, "RecommendedAction"));
        Add("ErrorDetails_ScriptStackTrace", Text(copy, "ScriptStackTrace"));
        var invocation = Value(copy, "InvocationInfo") as PSObject;
        Add("InvocationInfo", invocation);
        Add("SerializeExtendedInfo", invocation is not null);
        Add("PipelineIterationInfo", new ArrayList());
        if (invocation is not null) AddInvocation(notes, invocation);
        return notes;

        void Add(string name, object? note) => notes.Properties.Add(new PSNoteProperty(name, note), preValidated: true);
    }

    private static void AddInvocation(PSObject notes, PSObject invocation)
    {
        // PowerShell expects these enums wrapped.
        var origin = Number(invocation, "CommandOrigin", 1) == 0 ? CommandOrigin.Runspace : CommandOrigin.Internal;
        Add("InvocationInfo_CommandOrigin", PSObject.AsPSObject(origin));
        if (Text(invocation, "MyCommand") is { Length: > 0 } command && Number(invocation, "CommandType", 0) is > 0 and var type)
        {
            Add("CommandInfo_CommandType", PSObject.AsPSObject((CommandTypes)type));
            Add("CommandInfo_Name", command);
            Add("CommandInfo_Definition", "");
            Add("CommandInfo_Visibility", PSObject.AsPSObject(SessionStateEntryVisibility.Public));
        }
        Add("InvocationInfo_ExpectingInput", Value(invocation, "ExpectingInput") is true);
        Add("InvocationInfo_InvocationName", Text(invocation, "InvocationName") ?? "");
        Add("InvocationInfo_HistoryId", Number(invocation, "HistoryId", 0));
        Add("InvocationInfo_PipelineLength", (int)Number(invocation, "PipelineLength", 0));
        Add("InvocationInfo_PipelinePosition", (int)Number(invocation, "PipelinePosition", 0));
        Add("InvocationInfo_ScriptName", Text(invocation, "ScriptName"));
        Add("InvocationInfo_ScriptLineNumber", (int)Number(invocation, "ScriptLineNumber", 0));
        Add("InvocationInfo_OffsetInLine", (int)Number(invocation, "OffsetInLine", 0));
        Add("InvocationInfo_Line", Text(invocation, "Line") ?? "");

        void Add(string name, object? note) => notes.Properties.Add(new PSNoteProperty(name, note), preValidated: true);
    }

    private static ErrorRecord PlainErrorRecord(PSObject copy)
    {
        var category = Bag(Value(copy, "CategoryInfo"));
        var exception = new RemoteException(Message(copy));
        var record = new ErrorRecord(exception, Text(copy, "FullyQualifiedErrorId") ?? "", Category(category), Value(copy, "TargetObject"));
        record.CategoryInfo.Activity = Text(category, "Activity") ?? "";
        record.CategoryInfo.Reason = Text(category, "Reason") ?? "";
        record.CategoryInfo.TargetName = Text(category, "TargetName") ?? "";
        record.CategoryInfo.TargetType = Text(category, "TargetType") ?? "";
        if (Value(copy, "ErrorDetails") is PSObject details && Text(details, "Message") is { Length: > 0 } message)
            record.ErrorDetails = new ErrorDetails(message) { RecommendedAction = Text(details, "RecommendedAction") };
        return record;
    }

    private static object MessageData(object? data)
    {
        if (data is not PSObject copy || copy.TypeNames.FirstOrDefault() != Prefix + nameof(HostInformationMessage)) return data ?? "";
        return new HostInformationMessage
        {
            Message = Message(copy),
            NoNewLine = Value(copy, "NoNewLine") is true,
            ForegroundColor = Color(copy, "ForegroundColor"),
            BackgroundColor = Color(copy, "BackgroundColor"),
        };
    }

    private static ConsoleColor? Color(PSObject copy, string name) =>
        Number(copy, name, -1) is >= 0 and <= 15 and var color ? (ConsoleColor)color : null;

    private static ErrorCategory Category(PSObject copy)
    {
        var number = (int)Number(copy, "Category", 0);
        return Enum.IsDefined((ErrorCategory)number) ? (ErrorCategory)number : ErrorCategory.NotSpecified;
    }

    private static PSObject WithMessage(string message)
    {
        var exception = new PSObject();
        exception.Properties.Add(new PSNoteProperty("Message", message));
        return exception;
    }

    private static PSObject Bag(object? value) => value as PSObject ?? new PSObject();

    private static string Message(PSObject copy) => Text(copy, "Message") ?? "";

    private static object? Value(PSObject copy, string name) => copy.Properties[name]?.Value switch
    {
        PSObject { BaseObject: not PSCustomObject } wrapped => wrapped.BaseObject,
        var value => value,
    };

    private static string? Text(PSObject copy, string name) => Value(copy, name)?.ToString();

    private static long Number(PSObject copy, string name, long otherwise) => Value(copy, name) switch
    {
        IpcEnum live => live.Value,
        int or long or uint or short or ushort or byte or sbyte => Convert.ToInt64(Value(copy, name), CultureInfo.InvariantCulture),
        _ => otherwise,
    };
}
