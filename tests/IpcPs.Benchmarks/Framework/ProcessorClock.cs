using IpcPs.Benchmarks.Idle;

namespace IpcPs.Benchmarks.Framework;

/// <summary>The processor time of this process since it was created, all threads.</summary>
internal readonly struct ProcessorClock()
{
    private readonly TimeSpan _start = ProcessCost.Processor(Environment.ProcessId);

    /// <summary>Microseconds a message.</summary>
    public double PerMessage(long messages) => (ProcessCost.Processor(Environment.ProcessId) - _start).TotalMicroseconds / messages;
}
