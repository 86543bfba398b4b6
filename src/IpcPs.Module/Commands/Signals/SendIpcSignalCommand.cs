using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Send-IpcSignal</c>: sends a signal to processes, optionally with a value, and optionally waits until they end.</summary>
[Cmdlet(VerbsCommunications.Send, "IpcSignal", DefaultParameterSetName = ProcessSet, SupportsShouldProcess = true)]
[OutputType(typeof(SignalDelivery))]
public sealed class SendIpcSignalCommand : IpcCmdlet
{
    private const string ProcessSet = "Process";
    private const string WaitSet = "Wait";
    private const string GroupSet = "Group";

    private readonly List<Pending> _pending = [];

    /// <summary>The processes: ids, Process objects, jobs with a process of their own, or names with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ProcessTransformation]
    [SupportsWildcards]
    [Alias("ProcessId", "Name", "InputObject")]
    public ProcessReference[] Id { get; set; } = null!;

    /// <summary>The signal; TERM by default. Test (0) sends none, but checks whether one could be sent.</summary>
    [Parameter(Position = 1)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal Signal { get; set; } = new(15);

    /// <summary>A number to send with the signal.</summary>
    [Parameter]
    public long? Value { get; set; }

    /// <summary>When the process started. A later process with the same id gets no signal.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    [Parameter(ParameterSetName = WaitSet)]
    public DateTime? StartTime { get; set; }

    /// <summary>The ids are those of process groups. Each process of a group gets the signal.</summary>
    [Parameter(Mandatory = true, ParameterSetName = GroupSet)]
    public SwitchParameter Group { get; set; }

    /// <summary>Waits this long for the processes to end.</summary>
    [Parameter(Mandatory = true, ParameterSetName = WaitSet)]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>The signal for the processes that have not ended in that time. They then have the same time again.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal? ThenSignal { get; set; }

    /// <summary>Also sends to process 1: the main program of a container, or the init process of a machine.</summary>
    [Parameter]
    public SwitchParameter AllowInit { get; set; }

    /// <summary>Returns an object for each process that the signal was sent to.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    [Parameter(ParameterSetName = GroupSet)]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => Require(() => DeadlineFrom(Timeout));

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var process in Id)
        {
            if (Group) Try(() => SendToGroup(process), process.ToString());
            else SendToProcesses(process);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        AwaitEnds();
        if (ThenSignal is { } next && _pending.Count > 0)
        {
            foreach (var pending in _pending.ToArray()) Try(() => Escalate(pending, next), pending.Target.ProcessId);
            AwaitEnds();
        }
        foreach (var pending in _pending)
        {
            var sent = pending.LastSignal == Signal ? $"{Signal}" : $"{Signal} and {pending.LastSignal}";
            var id = pending.Target.ProcessId;
            var text = id.ToString(CultureInfo.InvariantCulture);
            var error = IpcException.TimedOut($"{pending.Target} to end after {sent}", text, DeadlineFrom(Timeout));
            WriteError(ErrorRecords.ToRecord(error, id));
        }
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _pending.ForEach(static p => p.Target.Dispose());
        base.Dispose(disposing);
    }

    private void SendToProcesses(ProcessReference reference) => Try(() =>
    {
        foreach (var id in reference.Resolve())
        {
            // A name stands for other processes: a session that ends itself by one is an accident.
            if (reference.Name is not null && (id == Environment.ProcessId || (id == 1 && !AllowInit))) continue;
            Try(() => SendToProcess(id, StartTime ?? reference.StartTime), id);
        }
    }, reference.ToString());

    private void SendToProcess(int id, DateTime? startTime)
    {
        if (id == 1 && !AllowInit && Environment.ProcessId != 1) throw Refused("Process 1 runs the machine, or the container.", "1");
        var target = SignalTarget.Open(id, startTime);
        try
        {
            var action = Value is null
                ? $"Send {Signal}"
                : string.Create(CultureInfo.InvariantCulture, $"Send {Signal} with the value {Value}");
            if (!ShouldProcess(target.ToString(), action)) return;
            var started = Stopwatch.GetTimestamp();
            target.Send(Signal, Value);
            if (Timeout is not null)
            {
                _pending.Add(new Pending(target, started, DeadlineFrom(Timeout), Signal));
                target = null;
            }
            else if (PassThru)
            {
                WriteObject(new SignalDelivery(id, target.Name, Signal, Value));
            }
        }
        finally
        {
            target?.Dispose();
        }
    }

    private void SendToGroup(ProcessReference reference)
    {
        if (reference.Id is not { } id)
            throw IpcException.Argument($"A process group has a number, and '{reference}' is a name.", reference.ToString());
        if (id == 1 && !AllowInit) throw Refused("Group 1 is the group of the process that runs the machine, or the container.", "1");
        if (!ShouldProcess(string.Create(CultureInfo.InvariantCulture, $"process group {id}"), $"Send {Signal}")) return;
        SignalTarget.SendToGroup(id, Signal, Value);
        if (PassThru) WriteObject(new SignalDelivery(id, null, Signal, Value));
    }

    private void Escalate(Pending pending, Signal next)
    {
        try
        {
            pending.Target.Send(next);
            pending.LastSignal = next;
            pending.Deadline = DeadlineFrom(Timeout);
        }
        catch (IpcException e) when (e.Id == IpcErrors.ProcessNotFound)
        {
            // It has just ended. The wait notices that.
        }
    }

    // Each process has a deadline of its own, from its own signal on: in a slow pipeline the first may pass before the last signal is sent.
    private void AwaitEnds()
    {
        var open = _pending.ToList();
        while (open.Count > 0)
        {
            var next = open.MinBy(static p => p.Deadline.Remaining)!;
            var ended = SignalTarget.WaitForAnyEnd([.. open.Select(static p => p.Target)], new(next.Deadline, StopToken));
            if (ended.Count == 0) open.Remove(next);
            foreach (var pending in open.Where(p => ended.Contains(p.Target)).ToArray())
            {
                open.Remove(pending);
                _pending.Remove(pending);
                WriteObject(new SignalDelivery(pending.Target.ProcessId, pending.Target.Name, Signal, Value)
                {
                    HasEnded = true,
                    EndedBy = pending.LastSignal,
                    Elapsed = Stopwatch.GetElapsedTime(pending.Started),
                });
                pending.Target.Dispose();
            }
        }
    }

    private static IpcException Refused(string why, string target) =>
        new(IpcErrors.ProcessRefused, $"{why} It gets no signals by accident.", target, "Use -AllowInit if you mean it.");

    private sealed class Pending(SignalTarget target, long started, Deadline deadline, Signal signal)
    {
        public SignalTarget Target { get; } = target;

        public long Started { get; } = started;

        public Deadline Deadline { get; set; } = deadline;

        public Signal LastSignal { get; set; } = signal;
    }
}
