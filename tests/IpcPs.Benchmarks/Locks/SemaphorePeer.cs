using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Locks;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Locks;

/// <summary>Waits for one semaphore and posts another: <c>semaphore THERE BACK WARM-UP COUNT</c>.</summary>
internal sealed class SemaphorePeer : IPeer
{
    public string Name => "semaphore";

    public void Run(string[] args)
    {
        using var there = (IpcLock)IpcMechanisms.Open(IpcAddress.Parse(args[0]));
        using var back = (IpcLock)IpcMechanisms.Open(IpcAddress.Parse(args[1]));
        Console.WriteLine("ready");
        Go(int.Parse(args[2], CultureInfo.InvariantCulture));
        var count = int.Parse(args[3], CultureInfo.InvariantCulture);
        var clock = new ProcessorClock();
        Go(count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"done {clock.PerMessage(count)}"));

        void Go(int trips)
        {
            for (; trips > 0; trips--)
            {
                there.Acquire(SemaphoreBenchmarks.Options);
                back.Release(SemaphoreBenchmarks.Options);
            }
        }
    }
}
