using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Commands.Signals;
using IpcPs.Module.Transformation;
using IpcPs.Readiness;
using IpcPs.Rings;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Readiness;

/// <summary>One of the things that Wait-IpcObject waits for, opened for that call.</summary>
internal sealed class WaitSource : IDisposable
{
    private readonly Action? _close;

    private WaitSource(string kind, string name, ReadinessWatch watch, Action? close = null)
    {
        (Kind, Name, Watch) = (kind, name, watch);
        _close = close;
    }

    public string Kind { get; }

    public string Name { get; }

    public ReadinessWatch Watch { get; }

    public static WaitSource Open(Waitable one, in ReadinessOptions options, in WaitOptions wait) => one switch
    {
        { Job: { } job } => OfJob(job),
        { Process: { } process } => OfProcess(process),
        { Signal: { } signal } => OfSignal(signal),
        _ => OfObject(one.Target!, options, wait),
    };

    public void Dispose()
    {
        Watch.Dispose();
        _close?.Invoke();
    }

    private static WaitSource OfObject(IpcTarget target, in ReadinessOptions options, in WaitOptions wait)
    {
        if (target.Object is null && target.Address.Scheme is IpcScheme.Fifo or IpcScheme.Unix or IpcScheme.Tcp or IpcScheme.Udp)
            throw OnlyOpened(target.Address, "what has arrived would be lost when this command closes it");
        var lease = target.Lease<IpcObject>(IpcAccess.Default, wait);
        try
        {
            if (lease is { IsOwned: true, Object: MessageRing { Delivery: not RingDelivery.Queue } })
                throw OnlyOpened(target.Address, "a broadcast reaches only readers that are attached when it is sent");
            return new WaitSource(lease.Object.Kind, lease.Object.Address.Text, lease.Object.CreateWatch(options), lease.Dispose);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private static WaitSource OfJob(Job job)
    {
        var watch = new EventWatch(() => job.JobStateInfo.State
            is JobState.Completed or JobState.Failed or JobState.Stopped or JobState.Suspended or JobState.Disconnected
            ? ReadyState.Ended : ReadyState.None);
        void OnState(object? sender, JobStateEventArgs change) => watch.Set();
        job.StateChanged += OnState;
        return new WaitSource("job", job.Name, watch, () => job.StateChanged -= OnState);
    }

    private static WaitSource OfProcess(ProcessReference process)
    {
        if (process.HasEnded) return new WaitSource("process", process.ToString(), new EventWatch(static () => ReadyState.Ended));
        var target = SignalTarget.Open(process.Id!.Value, process.StartTime);
        try
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{target.Name} ({target.ProcessId})");
            return new WaitSource("process", name, target.CreateWatch(), target.Dispose);
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    private static WaitSource OfSignal(Signal signal)
    {
        // It stays collected: Wait-IpcSignal gets it afterwards.
        var collector = SessionSignals.Current.Collector;
        collector.Add(signal);
        return new WaitSource("signal", signal.Name, collector.CreateWatch([signal]));
    }

    private static IpcException OnlyOpened(IpcAddress address, string why) =>
        new(IpcErrors.NotSupported, $"'{address}' cannot be waited for by its address: {why}.", address.Text,
            "Open it with Open-IpcObject (or New-IpcSocket for a listener), and wait for the object.");
}
