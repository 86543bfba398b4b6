using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Locks;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Locks;

/// <summary>Waits for one semaphore and posts another: <c>semaphore THERE BACK COUNT</c>.</summary>
internal sealed class SemaphorePeer : IPeer
{
    public string Name => "semaphore";

    public void Run(string[] args)
    {
        using var there = (IpcLock)IpcMechanisms.Open(IpcAddress.Parse(args[0]));
        using var back = (IpcLock)IpcMechanisms.Open(IpcAddress.Parse(args[1]));
        Console.WriteLine("ready");
        for (var left = int.Parse(args[2], CultureInfo.InvariantCulture); left > 0; left--)
        {
            there.Acquire(SemaphoreBenchmarks.Options);
            back.Release(SemaphoreBenchmarks.Options);
        }
    }
}
