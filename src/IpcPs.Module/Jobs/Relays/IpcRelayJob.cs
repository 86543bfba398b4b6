using System.Management.Automation;
using IpcPs.Relays;

namespace IpcPs.Module.Jobs.Relays;

/// <summary>A relay as a PowerShell job. It needs no child process: threads of this one move the messages. Stop-Job ends it, and
/// Receive-Job returns its result.</summary>
public sealed class IpcRelayJob : Job
{
    // Held while the state is set, so that no state follows the final one.
    private readonly object _state = new();
    private bool _isFinal;

    internal IpcRelayJob(string command, string? name, Func<IpcRelayJob, IpcRelay> create) : base(command, name)
    {
        PSJobTypeName = nameof(IpcRelayJob);
        Relay = create(this);
        Set(JobState.Running, null);
    }

    /// <summary>The relay: it can be traced.</summary>
    public IpcRelay Relay { get; }

    /// <summary>Where it receives from.</summary>
    public string From => Relay.Address.Text;

    /// <summary>Where it sends to.</summary>
    public string To => Relay.ToAddress.Text;

    /// <summary>How many messages have passed so far; null where it passes on bytes.</summary>
    public long? Messages => Relay.Result.Messages;

    /// <summary>How many bytes have passed so far.</summary>
    public long Bytes => Relay.Result.Bytes;

    /// <summary>The same in the other direction; null for one direction.</summary>
    public long? MessagesBack => Relay.Result.MessagesBack;

    /// <summary>The same in the other direction; null for one direction.</summary>
    public long? BytesBack => Relay.Result.BytesBack;

    /// <summary>Why it ended; None while it runs.</summary>
    public RelayEnd EndedBy => Relay.Result.EndedBy;

    /// <inheritdoc/>
    public override string Location => "this process";

    /// <inheritdoc/>
    public override string StatusMessage => Relay.Error?.Message ?? "";

    /// <inheritdoc/>
    public override bool HasMoreData => Output.Count > 0 || Error.Count > 0;

    /// <inheritdoc/>
    public override void StopJob()
    {
        Set(JobState.Stopping, null);
        Relay.Stop();
        Finished.WaitOne();
    }

    internal void Start() => Relay.Start();

    internal void OnFailed(IpcException failure) => Error.Add(ErrorRecords.ToRecord(failure));

    internal void OnEnded()
    {
        var result = Relay.Result;
        if (Relay.IsOpen) Output.Add(PSObject.AsPSObject(result));
        var state = result.EndedBy switch
        {
            RelayEnd.Stopped => JobState.Stopped,
            RelayEnd.Failed or RelayEnd.Timeout => JobState.Failed,
            _ => JobState.Completed,
        };
        if (state == JobState.Failed) Error.Add(ErrorRecords.ToRecord(Relay.Error!));
        Output.Complete();
        Error.Complete();
        // The error stream has the reason, with its id.
        Set(state, null);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) Relay.Dispose();
        base.Dispose(disposing);
    }

    private void Set(JobState state, Exception? reason)
    {
        lock (_state)
        {
            if (_isFinal) return;
            _isFinal = state is JobState.Completed or JobState.Failed or JobState.Stopped;
        }
        try
        {
            JobStates.Set(this, state, reason);
        }
        catch (ObjectDisposedException)
        {
            // The job was removed.
        }
    }
}
