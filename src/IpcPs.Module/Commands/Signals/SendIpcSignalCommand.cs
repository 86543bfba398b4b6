using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Send-IpcSignal</c>: sends a signal to processes, with a value if wanted, and if wanted waits until they have ended.</summary>
[Cmdlet(VerbsCommunications.Send, "IpcSignal", DefaultParameterSetName = ProcessSet, SupportsShouldProcess = true)]
[OutputType(typeof(SignalDelivery))]
public sealed class SendIpcSignalCommand : IpcCmdlet
{
    private const string ProcessSet = "Process";
    private const string WaitSet = "Wait";
    private const string GroupSet = "Group";

    private readonly List<Pending> _pending = [];

    /// <summary>To whom: process ids, Process objects, jobs with a process of their own, or names with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ProcessTransformation]
    [SupportsWildcards]
    [Alias("ProcessId", "Name", "InputObject")]
    public ProcessReference[] Id { get; set; } = null!;

    /// <summary>Which signal; TERM by default. Test (0) sends none and only looks whether it could.</summary>
    [Parameter(Position = 1)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal Signal { get; set; } = new(15);

    /// <summary>A number to send along.</summary>
    [Parameter]
    public long? Value { get; set; }

    /// <summary>When the process that is meant started; another one that has its number by now is not hit.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    [Parameter(ParameterSetName = WaitSet)]
    public DateTime? StartTime { get; set; }

    /// <summary>The numbers are those of process groups: the signal goes to each process of the group.</summary>
    [Parameter(Mandatory = true, ParameterSetName = GroupSet)]
    public SwitchParameter Group { get; set; }

    /// <summary>Waits that long for the processes to end.</summary>
    [Parameter(Mandatory = true, ParameterSetName = WaitSet)]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>What is sent to those that have not ended in that time; they are given the same time once more.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal? ThenSignal { get; set; }

    /// <summary>Process 1 too: in a container its main program, elsewhere what runs the machine.</summary>
    [Parameter]
    public SwitchParameter AllowInit { get; set; }

    /// <summary>Says to whom it was sent.</summary>
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
            WriteError(ErrorRecords.ToRecord(IpcException.TimedOut($"{pending.Target} to end after {sent}", pending.Target.ProcessId.ToString(CultureInfo.InvariantCulture), DeadlineFrom(Timeout)), pending.Target.ProcessId));
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
        foreach (var id in ProcessNames.Resolve(reference))
        {
            // A pattern means others; a session that ends itself by one is an accident.
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
            if (!ShouldProcess(target.ToString(), Value is { } value ? string.Create(CultureInfo.InvariantCulture, $"Send {Signal} with the value {value}") : $"Send {Signal}")) return;
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
        if (reference.Id is not { } id) throw IpcException.Argument($"A process group has a number, and '{reference}' is a name.", reference.ToString());
        if (id == 1 && !AllowInit) throw Refused("Group 1 is that of the process that runs the machine, or the container.", "1");
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
            // Ended just then; the wait finds that.
        }
    }

    // Each has a deadline of its own, counted from its own signal: in a slow pipeline the first may be over before the last is sent.
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
                WriteObject(new SignalDelivery(pending.Target.ProcessId, pending.Target.Name, Signal, Value) { HasEnded = true, EndedBy = pending.LastSignal, Elapsed = Stopwatch.GetElapsedTime(pending.Started) });
                pending.Target.Dispose();
            }
        }
    }

    private static IpcException Refused(string why, string target) =>
        new(IpcErrors.ProcessRefused, $"{why} It is not sent signals by accident.", target, "Say -AllowInit if it is meant.");

    private sealed class Pending(SignalTarget target, long started, Deadline deadline, Signal signal)
    {
        public SignalTarget Target { get; } = target;

        public long Started { get; } = started;

        public Deadline Deadline { get; set; } = deadline;

        public Signal LastSignal { get; set; } = signal;
    }
}
