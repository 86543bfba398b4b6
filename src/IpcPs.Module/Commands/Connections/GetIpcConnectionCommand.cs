using System.Management.Automation;
using IpcPs.Connections;
using IpcPs.Module.Commands.Inventory;
using IpcPs.Module.Jobs.Child;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Transformation;
using IpcPs.Processes;

namespace IpcPs.Module.Commands.Connections;

/// <summary><c>Get-IpcConnection</c>: lists which processes are connected to which, through what, and which wait for each other.</summary>
[Cmdlet(VerbsCommon.Get, "IpcConnection")]
[OutputType(typeof(IpcConnection))]
public sealed class GetIpcConnectionCommand : InventoryCommand
{
    // The last word of the command that starts a job's process.
    private static readonly string JobCommand = $"[{typeof(JobChild).FullName}]::Run()";

    private readonly HashSet<int> _ids = [];

    /// <summary>Only connections of these processes: ids, Process objects, jobs, or names with or without wildcards.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ProcessTransformation]
    [Alias("ProcessId")]
    [ValidateNotNullOrEmpty]
    public ProcessReference[]? Id { get; set; }

    /// <summary>How many steps to go from the processes of -Id.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Depth { get; set; } = 1;

    /// <summary>Only the waits that are parts of a deadlock.</summary>
    [Parameter]
    public SwitchParameter Deadlock { get; set; }

    /// <summary>Also connections of a process with itself, those of .NET's diagnostics, and each pipe of a job.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var process in Id ?? [])
        {
            Try(() =>
            {
                var ids = process.Resolve();
                if (process.Id is { } id && !ProcessTable.IsRunning(id))
                    throw new IpcException(IpcErrors.ProcessNotFound, $"No process has the id {process}.", process.ToString());
                _ids.UnionWith(ids);
            }, process.ToString());
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        var hasProcesses = MyInvocation.ExpectingInput || Id is not null;
        if (!hasProcesses && MyInvocation.BoundParameters.ContainsKey(nameof(Depth)))
            throw IpcException.Argument("-Depth counts steps from the processes of -Id, and -Id is not given.");
        // No process was found: that is not every process.
        if (hasProcesses && _ids.Count == 0) return;
        var jobs = JobNames();
        var found = IpcConnections.List(new ConnectionOptions
        {
            Schemes = Kind ?? [],
            All = All,
            OnlyDeadlocks = Deadlock,
            JobOf = id => jobs.TryGetValue(id, out var name) ? name : ProcessTable.CommandOf(id) is [.., var last] && last.EndsWith(
                JobCommand, StringComparison.Ordinal) ? "" : null,
        }, out var problems);
        WarnOnce(problems);
        var matches = NameMatcher();
        if (Name is not null) found = [.. found.Where(c => c.IsNamed(matches))];
        if (hasProcesses) found = [.. IpcConnections.Near(found, _ids, Depth)];
        WriteObject(found, enumerateCollection: true);
        if (found.Count == 0) WriteVerbose(Deadlock ? "No deadlock was found." : "No connection was found.");
    });

    private Dictionary<int, string> JobNames()
    {
        var names = new Dictionary<int, string>();
        foreach (var job in JobRepository.Jobs.SelectMany(static j => j.ChildJobs.Prepend(j)).OfType<IpcJob>())
        {
            if (job.ProcessId is { } id) names[id] = job.Name;
            foreach (var worker in job.Workers ?? [])
            {
                if (worker.ProcessId is { } number) names[number] = job.Name;
            }
        }
        return names;
    }
}
