using System.Management.Automation;
using IpcPs.Inventory;
using IpcPs.Module.Commands.Inventory;
using IpcPs.Module.Transformation;
using IpcPs.Watching;

namespace IpcPs.Module.Commands.Watching;

/// <summary><c>Watch-IpcObject</c>: depth, rates, locks and holders of objects, again and again.</summary>
[Cmdlet(VerbsCommon.Watch, "IpcObject")]
[OutputType(typeof(IpcSample))]
public sealed class WatchIpcObjectCommand : InventoryCommand
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);

    private readonly HashSet<int> _ids = [];

    /// <summary>Only objects that one of these processes holds.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("ProcessId")]
    [ValidateNotNullOrEmpty]
    public int[]? Id { get; set; }

    /// <summary>The time from one sample to the next: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout Interval { get; set; } = new(TimeSpan.FromSeconds(1));

    /// <summary>How many samples to take. They are returned as objects, also on a terminal.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Count { get; set; }

    /// <summary>A lock that has been held for longer is marked as stuck: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout HeldLongerThan { get; set; } = new(TimeSpan.FromSeconds(10));

    /// <inheritdoc/>
    protected override void ProcessRecord() => _ids.UnionWith(Id ?? []);

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        if (Interval.Value < Shortest) throw IpcException.Argument($"-Interval must be at least {Shortest.TotalSeconds} s.");
        // No process was piped: that is not every process.
        if (MyInvocation.ExpectingInput && _ids.Count == 0) return;
        var sampler = new IpcSampler(List, HeldLongerThan.Value);
        // What can't be seen is said before the screen is drawn, and the first rates need a sample before them.
        var first = sampler.Sample();
        if (Count is null && IsDrawn()) DrawAll(sampler, first);
        else WriteAll(sampler);
    });

    private void WriteAll(IpcSampler sampler)
    {
        for (var taken = 0; taken < (Count ?? int.MaxValue); taken++)
        {
            var next = Deadline.After(Interval.Value);
            WatchScreen.Pause(new(next, StopToken));
            WriteObject(sampler.Sample(), enumerateCollection: true);
        }
    }

    private void DrawAll(IpcSampler sampler, IReadOnlyList<IpcSample> first)
    {
        var hasColors = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        using var screen = new WatchScreen();
        for (var samples = first; ; samples = sampler.Sample())
        {
            screen.Show(samples, hasColors);
            if (screen.WaitForQuit(new(Deadline.After(Interval.Value), StopToken))) return;
        }
    }

    private IReadOnlyList<IpcObjectInfo> List()
    {
        var kinds = Kinds();
        return Find(kinds, Id is not null || kinds.Any(static k => k is IpcScheme.Pipe or IpcScheme.MemFd), _ids);
    }

    // On a terminal, and not where the next command or a file gets the samples.
    private bool IsDrawn() => MyInvocation.PipelinePosition == MyInvocation.PipelineLength && !Console.IsOutputRedirected
        && Host.UI is { SupportsVirtualTerminal: true };
}
