using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Workers;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A job in one child process, which a control pipe leads.</summary>
internal sealed class ChildBody : IJobBody
{
    private readonly JobConnection _connection;
    private readonly ControlSender _control;
    private readonly JobReceiver _receiver;
    private readonly IpcJob _job;
    private readonly AttachedBroadcasts? _broadcasts;
    private readonly CancellationTokenSource _ending = new();

    /// <summary>Starts the child.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public ChildBody(IpcJob job, JobStartInfo start, RedirectMessage? output)
    {
        _job = job;
        _connection = new JobConnection(start);
        _control = new ControlSender(_connection.Control, job.Name);
        // Before the script can write anything.
        if (output is not null) Redirect(output);
        _control.Send(JobControlId.Start, _connection.Start.ToBag());
        if (_connection.Input is { } transport)
            Input = new JobInputTransport(_connection.InputKind!, transport, EndInput);
        // A process on another host cannot open a broadcast of this machine: this process reads it, as it does for workers.
        if (_connection.Process.HostName is not null) _broadcasts = new AttachedBroadcasts(OnAttached, _ending.Token);
        _receiver = new JobReceiver(job, _connection);
    }

    public JobInputTransport? Input { get; }

    public IpcChannel? Channel => _connection.Channel;

    public int? ProcessId => _connection.Process.ProcessId;

    public string? HostName => _connection.Process.HostName;

    public string Location => _connection.Process.Location;

    public WorkerGroup? Workers => null;

    public string? Signal => _connection.Process.Exit?.SignalName;

    public void Start() => _receiver.Start();

    public void Redirect(RedirectMessage message) => _control.Send(JobControlId.Redirect, _connection.Process.Reach(message).ToBag());

    public void Proceed() => _control.Send(JobControlId.Proceed);

    public void Attach(AttachMessage message)
    {
        if (_broadcasts is null) _control.Send(JobControlId.Attach, message.ToBag());
        else Input!.WhenReady(() => _broadcasts.Attach(message));
    }

    public void EndForLackOfReader() => _control.Send(JobControlId.ReaderGone);

    public void RequestStop() => _connection.Process.RequestStop();

    public void Kill() => _connection.Process.Kill();

    public void Disconnect()
    {
        _ending.Cancel();
        _broadcasts?.Dispose();
        _control.Dispose();
        _connection.Dispose();
    }

    public void Release() => _connection.Process.Release();

    /// <summary>Closes the channel: the job was removed.</summary>
    public void Dispose() => _connection.Channel.Dispose();

    private void EndInput(int writers)
    {
        if (_broadcasts is null) End();
        else _broadcasts.Release(End);

        void End() => _control.Send(JobControlId.InputEnded, writers);
    }

    private void OnAttached(AttachedMessage message)
    {
        if (message.Error is null) _job.OnAttached(message.Broadcast);
        else _receiver.OnNotAttached(message.Error);
    }
}
