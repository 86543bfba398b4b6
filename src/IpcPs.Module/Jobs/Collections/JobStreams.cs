using System.Management.Automation;
using System.Management.Automation.Remoting.Internal;
using System.Runtime.CompilerServices;

namespace IpcPs.Module.Jobs.Collections;

/// <summary>The streams of a job: each by itself (<c>$job.Output</c>, <c>$job.Error</c>), and the records of all of them in the order of
/// writing. Receive-Job reads the latter, as it does for PowerShell's own jobs, and what it removes there is removed from the record's
/// own stream too.</summary>
internal sealed class JobStreams : IDisposable
{
    // So that the records of two threads have the same order in their own stream and among all.
    private readonly object _guard = new();
    private readonly Job _job;
    private readonly ListCollection<PSStreamObject> _all =
        new(new ConsumableList<PSStreamObject>(static r => ((StreamRecord)r).RemoveFromStream()));
    private readonly ReceiveJobMemory _receivers;

    /// <summary>Gives a job its streams.</summary>
    public JobStreams(Job job)
    {
        _job = job;
        _receivers = new(_all);
        job.Output = New<PSObject>();
        job.Error = New<ErrorRecord>();
        job.Warning = New<WarningRecord>();
        job.Verbose = New<VerboseRecord>();
        job.Debug = New<DebugRecord>();
        job.Information = New<InformationRecord>();
        job.Progress = New<ProgressRecord>();
        SetResults(job, _all);
        SetUsesResults(job, true);
    }

    /// <summary>Whether a record was not received yet.</summary>
    public bool HasRecords => _all.Count > 0;

    public void Add(PSObject value) => Add(PSStreamObjectType.Output, value, _job.Output, value);

    public void Add(ErrorRecord record) => Add(PSStreamObjectType.Error, record, _job.Error, record);

    // Of these three, Receive-Job expects the text.
    public void Add(WarningRecord record) => Add(PSStreamObjectType.Warning, record.Message, _job.Warning, record);

    public void Add(VerboseRecord record) => Add(PSStreamObjectType.Verbose, record.Message, _job.Verbose, record);

    public void Add(DebugRecord record) => Add(PSStreamObjectType.Debug, record.Message, _job.Debug, record);

    public void Add(InformationRecord record) => Add(PSStreamObjectType.Information, record, _job.Information, record);

    public void Add(ProgressRecord record) => Add(PSStreamObjectType.Progress, record, _job.Progress, record);

    /// <summary>Adds a record of any stream but the output.</summary>
    public void AddRecord(object record)
    {
        switch (record)
        {
            case ErrorRecord error:
                Add(error);
                break;
            case WarningRecord warning:
                Add(warning);
                break;
            case VerboseRecord verbose:
                Add(verbose);
                break;
            case DebugRecord debug:
                Add(debug);
                break;
            case InformationRecord information:
                Add(information);
                break;
            case ProgressRecord progress:
                Add(progress);
                break;
        }
    }

    /// <summary>Takes the output that was not received yet, for the job that reads it.</summary>
    public IReadOnlyList<PSObject> TakeOutput()
    {
        lock (_guard)
        {
            var output = _job.Output.ReadAll();
            foreach (var record in _all.ReadAll())
            {
                if (record.ObjectType != PSStreamObjectType.Output) Add((StreamRecord)record);
            }
            return output;
        }
    }

    /// <summary>No more records come.</summary>
    public void Complete()
    {
        _job.Output.Complete();
        _job.Error.Complete();
        _job.Warning.Complete();
        _job.Verbose.Complete();
        _job.Debug.Complete();
        _job.Information.Complete();
        _job.Progress.Complete();
        _all.Complete();
    }

    /// <summary>The job is removed. Its own streams are the job's to dispose.</summary>
    public void Dispose() => _all.Dispose();

    // Internal in PowerShell. Without them, Receive-Job writes all output, then all errors, and so on. They exist since version 3.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_Results")]
    private static extern void SetResults(Job job, PSDataCollection<PSStreamObject> results);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_UsesResultsCollection")]
    private static extern void SetUsesResults(Job job, bool uses);

    private static ListCollection<T> New<T>() => new(new ConsumableList<T>());

    private void Add<T>(PSStreamObjectType type, object? shown, PSDataCollection<T> stream, T record) =>
        Add(new StreamRecord<T>(type, shown, stream, record));

    private void Add(StreamRecord record)
    {
        lock (_guard)
        {
            record.AddToStream();
            _receivers.Release();
            _all.AddIfOpen(record);
        }
    }

    private abstract class StreamRecord(PSStreamObjectType type, object? shown) : PSStreamObject(type, shown)
    {
        public abstract void AddToStream();

        public abstract void RemoveFromStream();
    }

    private sealed class StreamRecord<T>(PSStreamObjectType type, object? shown, PSDataCollection<T> stream, T record)
        : StreamRecord(type, shown)
    {
        public override void AddToStream() => stream.AddIfOpen(record);

        public override void RemoveFromStream() => stream.Remove(record);
    }
}
