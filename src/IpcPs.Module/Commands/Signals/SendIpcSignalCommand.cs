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
    private const string NameSet = "Name";
    private const string NameWaitSet = "NameWait";

    private readonly List<Pending> _pending = [];

    /// <summary>The processes: ids, Process objects, or jobs with a process of their own.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = ProcessSet)]
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = WaitSet)]
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = GroupSet)]
    [ProcessTransformation]
    [Alias("ProcessId", "InputObject")]
    public ProcessReference[] Id { get; set; } = null!;

    /// <summary>The names of the processes; wildcards allowed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = NameSet)]
    [Parameter(Mandatory = true, ParameterSetName = NameWaitSet)]
    [SupportsWildcards]
    [Alias("ProcessName")]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

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
    [Parameter(Mandatory = true, ParameterSetName = NameWaitSet)]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>The signal for the processes that have not ended in that time. They then have the same time again.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    [Parameter(ParameterSetName = NameWaitSet)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal? ThenSignal { get; set; }

    /// <summary>Also sends to process 1: the main program of a container, or the init process of a machine.</summary>
    [Parameter]
    public SwitchParameter AllowInit { get; set; }

    /// <summary>Sends without a question, where a name stands for processes of other users or for this session.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = NameWaitSet)]
    public SwitchParameter Force { get; set; }

    /// <summary>Returns an object for each process that the signal was sent to.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = GroupSet)]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => Require(() => DeadlineFrom(Timeout));

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Name is not null)
        {
            foreach (var name in Name) Try(() => SendToNamed(name), name);
            return;
        }
        foreach (var process in Id)
        {
            if (Group) Try(() => SendToGroup(process), process.ToString());
            else Try(() => SendToProcess(process), process.ToString());
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

    private string Action => Value is null
        ? $"Send {Signal}"
        : string.Create(CultureInfo.InvariantCulture, $"Send {Signal} with the value {Value}");

    private void SendToProcess(ProcessReference reference)
    {
        // A misspelled variable or a '*' must not reach every process: names have a parameter of their own.
        if (reference.Name is { } name)
            throw IpcException.Argument($"'{name}' is a name, not a process id. -Name takes names.", name);
        var id = reference.Resolve()[0];
        if (id == 1 && !AllowInit && Environment.ProcessId != 1) throw Refused("Process 1 runs the machine, or the container.", "1");
        Send([SignalTarget.Open(id, StartTime ?? reference.StartTime)], static _ => true);
    }

    private void SendToNamed(string name)
    {
        var targets = new List<SignalTarget>();
        foreach (var id in ProcessReference.Find(name))
        {
            if (id == 1 && !AllowInit)
            {
                WriteVerbose($"Process 1 is named '{name}' too. It gets a signal only with -AllowInit.");
                continue;
            }
            try
            {
                targets.Add(SignalTarget.Open(id));
            }
            catch (IpcException e) when (e.Id == IpcErrors.ProcessNotFound)
            {
                // It has ended since the names were read.
            }
        }
        if (targets.Count == 0) WriteVerbose($"No process is named '{name}'.");
        foreach (var thread in targets.Where(static t => t.IsKernelThread).ToArray())
        {
            targets.Remove(thread);
            thread.Dispose();
        }
        // The session itself is the last: it may end.
        targets.Sort(static (a, b) => IsSession(a).CompareTo(IsSession(b)));
        Send(targets, accepted => IsMeant(name, accepted));
    }

    private static bool IsSession(SignalTarget target) => target.ProcessId == Environment.ProcessId;

    /// <summary>Asks, once for a name, where it stands for more than the current user's other processes.</summary>
    private bool IsMeant(string name, IReadOnlyList<SignalTarget> targets)
    {
        if (Force || Signal == Signal.Test) return true;
        var others = targets.Where(static t => !t.IsOfCurrentUser).ToList();
        var own = targets.Any(IsSession);
        if (others.Count == 0 && !own) return true;
        var users = string.Join(", ", others.Select(static t => t.Owner).OfType<string>().Distinct(StringComparer.Ordinal));
        var foreign = string.Create(
            CultureInfo.InvariantCulture, $"{others.Count} process{(others.Count == 1 ? "" : "es")} of other users ({users})");
        var what = $"'{name}' matches {(others.Count == 0 ? "this session" : own ? "this session and " + foreign : foreign)}";
        var query = string.Create(CultureInfo.InvariantCulture, $"{what}. {Action} to all {targets.Count} that it matches?");
        return Confirm(query, "Processes of others, or this session",
            () => new IpcException(IpcErrors.ProcessRefused, $"{what}, and this session cannot prompt for confirmation.", name,
                "Use -Force if you mean them, or a name that stands for fewer."));
    }

    /// <summary>Sends to those of the processes that the user has not excluded, and closes them.</summary>
    /// <param name="targets">The processes.</param>
    /// <param name="isMeant">Asked once, with the processes that would get the signal.</param>
    private void Send(IReadOnlyList<SignalTarget> targets, Func<IReadOnlyList<SignalTarget>, bool> isMeant)
    {
        try
        {
            var accepted = targets.Where(t => ShouldProcess(t.ToString(), Action)).ToList();
            if (accepted.Count == 0 || !isMeant(accepted)) return;
            foreach (var target in accepted) Try(() => Deliver(target), target.ProcessId);
        }
        finally
        {
            foreach (var target in targets.Where(t => !_pending.Exists(p => p.Target == t))) target.Dispose();
        }
    }

    private void Deliver(SignalTarget target)
    {
        var started = Stopwatch.GetTimestamp();
        target.Send(Signal, Value);
        if (Timeout is not null) _pending.Add(new Pending(target, started, DeadlineFrom(Timeout), Signal));
        else if (PassThru) WriteObject(new SignalDelivery(target.ProcessId, target.Name, Signal, Value));
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
