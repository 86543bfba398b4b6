using System.Globalization;
using System.Runtime.InteropServices;

namespace IpcPs.Benchmarks.Idle;

/// <summary>What a process costs, from /proc (proc(5)): processor time to the nanosecond, and memory.</summary>
internal static partial class ProcessCost
{
    // The runtime compiles for a while what ran often at the start.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    /// <summary>Time on a processor so far, all threads, those that have ended too.</summary>
    public static TimeSpan Processor(int processId)
    {
        // The process's processor clock, as clock_getcpuclockid(3) gives it: nanoseconds, where /proc counts ticks of 10 ms.
        if (clock_gettime((~processId << 3) | 2, out var time) != 0)
            throw new InvalidOperationException($"Process {processId} has no processor clock.");
        return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / 100);
    }

    /// <summary>Milliseconds on a processor in a second of standing by, once starting is over.</summary>
    public static double MillisecondsASecond(int processId, TimeSpan span)
    {
        Thread.Sleep(Settling);
        var before = Processor(processId);
        Thread.Sleep(span);
        return (Processor(processId) - before).TotalMilliseconds / span.TotalSeconds;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out Time time);

    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary>Resident memory in KiB: now ("VmRSS") or at most so far ("VmHWM").</summary>
    public static long Kibibytes(int processId, string which)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(l => l.StartsWith(which + ":", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(which.Length + 1).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture);
    }
}
