using System.Runtime.InteropServices;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Pins the calling thread to one core for as long as it is not disposed (sched_setaffinity(2)).</summary>
internal sealed unsafe partial class Core : IDisposable
{
    private ulong _before;

    private Core()
    {
    }

    public static Core Pin(int? core)
    {
        var pinned = new Core();
        ulong before;
        _ = sched_getaffinity(0, sizeof(ulong), &before);
        pinned._before = before;
        if (core is { } number)
        {
            var mask = 1UL << number;
            if (sched_setaffinity(0, sizeof(ulong), &mask) != 0) throw new InvalidOperationException($"Cannot run on core {number}.");
        }
        return pinned;
    }

    public void Dispose()
    {
        var mask = _before;
        _ = sched_setaffinity(0, sizeof(ulong), &mask);
    }

    [LibraryImport("libc")]
    private static partial int sched_setaffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc")]
    private static partial int sched_getaffinity(int thread, nuint size, ulong* mask);
}
