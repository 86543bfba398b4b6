using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Receives for a job that has one child.</summary>
internal sealed class JobReceiver(IpcJob job, JobConnection connection) : ChildReceiver(connection, job.Name)
{
    private string? _notRedirected;
    private string? _notAttached;

    /// <summary>A broadcast could not be read.</summary>
    public void OnNotAttached(string error) => _notAttached = $"could not read a broadcast: {error}";

    protected override bool IsStopping => job.IsStopping;

    protected override void OnOutput(ReadOnlyMemory<byte> payload)
    {
        var value = Serializer.Decode(payload);
        // As in PowerShell, $null in a job's output is an object.
        job.AddOutput(value is null ? null! : PSObject.AsPSObject(value));
    }

    protected override void OnRecord(object record) => job.StreamsTo.AddRecord(record);

    protected override void OnMessage(JobStreamId id, ReadOnlyMemory<byte> payload)
    {
        switch (id)
        {
            case JobStreamId.Redirected:
                if (Serializer.Decode(payload) is { } why) _notRedirected = $"could not write to the next job: {why}";
                else job.OnRedirected();
                break;
            case JobStreamId.Attached:
                var answer = AttachedMessage.From(Serializer.Decode(payload));
                if (answer.Error is { } error) OnNotAttached(error);
                else job.OnAttached(answer.Broadcast);
                break;
        }
    }

    protected override string? OnScriptEnded() =>
        _notAttached ?? (_notRedirected is not null && !job.HasNoReader() ? _notRedirected : null);

    protected override void OnEnd(JobEnd end) => job.Finish(end);
}
