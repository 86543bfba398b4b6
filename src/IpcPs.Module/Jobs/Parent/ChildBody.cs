using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Workers;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A job in one child process, which a control pipe leads.</summary>
internal sealed class ChildBody : IJobBody
{
    private readonly JobConnection _connection;
    private readonly ControlSender _control;
    private readonly JobReceiver _receiver;

    /// <summary>Starts the child.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public ChildBody(IpcJob job, JobStartInfo start)
    {
        _connection = new JobConnection(start);
        _control = new ControlSender(_connection.Control, job.Name);
        _control.Send(JobControlId.Start, _connection.Start.ToBag());
        if (_connection.Input is { } transport)
            Input = new JobInputTransport(start.Via!, transport, writers => _control.Send(JobControlId.InputEnded, writers));
        _receiver = new JobReceiver(job, _connection);
    }

    public JobInputTransport? Input { get; }

    public IpcChannel? Channel => _connection.Channel;

    public int? ProcessId => _connection.Child.Id;

    public string Location => $"process {_connection.Child.Id}";

    public WorkerGroup? Workers => null;

    public string? Signal => _connection.Child.Exit?.SignalName;

    public void Start() => _receiver.Start();

    public void Redirect(RedirectMessage message) => _control.Send(JobControlId.Redirect, message.ToBag());

    public void Proceed() => _control.Send(JobControlId.Proceed);

    public void Attach(AttachMessage message) => _control.Send(JobControlId.Attach, message.ToBag());

    public void EndForLackOfReader() => _control.Send(JobControlId.ReaderGone);

    public void RequestStop() => _connection.Child.Signal(15);

    public void Kill() => _connection.Child.SignalGroup(9);

    public void Disconnect()
    {
        _control.Dispose();
        _connection.Dispose();
    }

    public void Release() => _connection.Child.Dispose();

    /// <summary>Closes the channel: the job was removed.</summary>
    public void Dispose() => _connection.Channel.Dispose();
}
