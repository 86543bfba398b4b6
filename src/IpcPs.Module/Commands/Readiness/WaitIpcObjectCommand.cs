using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Readiness;

namespace IpcPs.Module.Commands.Readiness;

/// <summary><c>Wait-IpcObject</c>: waits until one of several objects, jobs, processes or signals is ready, or all are.</summary>
[Cmdlet(VerbsLifecycle.Wait, "IpcObject")]
[OutputType(typeof(IpcReadyObject))]
public sealed class WaitIpcObjectCommand : IpcCmdlet
{
    private readonly List<Waitable> _objects = [];
    private readonly List<WaitSource> _sources = [];

    /// <summary>What to wait for: objects or their addresses, jobs, processes or their ids, signals.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [WaitableTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public Waitable[] InputObject { get; set; } = null!;

    /// <summary>Waits until all are ready at the same time.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <summary>How long to wait, in seconds or as a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>System V queues: 0 for any type of message, n for type n, -n for types up to n.</summary>
    [Parameter]
    public long? Type { get; set; }

    /// <summary>System V queues: any type except -Type.</summary>
    [Parameter]
    public SwitchParameter ExceptType { get; set; }

    /// <summary>Semaphores: how many must be available; 0 waits until a System V semaphore is zero.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Count { get; set; } = 1;

    /// <summary>System V semaphores: which of the set, from 0.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Index { get; set; }

    /// <summary>Shared memory: the offset of the 32-bit number, in bytes.</summary>
    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long Offset { get; set; }

    /// <summary>Shared memory: waits while the number has this value; by default the value that it has when the wait begins.</summary>
    [Parameter]
    public int? While { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => _objects.AddRange(InputObject);

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        var wait = WaitFrom(Timeout);
        var options = new ReadinessOptions
        {
            Type = Type,
            ExceptType = ExceptType,
            Lock = new LockOptions { Count = Count, Index = Index },
            Offset = Offset,
            While = While,
        };
        foreach (var one in _objects) _sources.Add(WaitSource.Open(one, options, wait));
        var watches = _sources.ConvertAll(static s => s.Watch);
        if (All)
        {
            WaitForAll(watches, wait);
            return;
        }
        var index = ReadinessWaiter.UntilAny(watches, out var state, wait);
        if (index < 0) throw TimedOut(_sources, wait.Deadline);
        WriteObject(Ready(index, state));
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) foreach (var source in _sources) source.Dispose();
        base.Dispose(disposing);
    }

    private void WaitForAll(List<ReadinessWatch> watches, in WaitOptions wait)
    {
        var states = new ReadyState[watches.Count];
        var all = ReadinessWaiter.UntilAll(watches, states, wait);
        for (var i = 0; i < states.Length; i++)
        {
            if (states[i] != ReadyState.None) WriteObject(Ready(i, states[i]));
        }
        if (!all) throw TimedOut([.. _sources.Where((_, i) => states[i] == ReadyState.None)], wait.Deadline);
    }

    private IpcReadyObject Ready(int index, ReadyState state) =>
        new(state, _sources[index].Kind, _sources[index].Name, index, _objects[index].Original);

    private static IpcException TimedOut(List<WaitSource> missing, Deadline deadline) =>
        IpcException.TimedOut(string.Join(", ", missing.Select(static s => $"'{s.Name}'")) + " to be ready",
            missing[0].Name, deadline);
}
