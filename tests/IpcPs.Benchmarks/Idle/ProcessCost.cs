using System.Globalization;

namespace IpcPs.Benchmarks.Idle;

/// <summary>What a process costs, from /proc (proc(5)): processor time to the nanosecond, and memory.</summary>
internal static class ProcessCost
{
    /// <summary>Time on a processor so far, all threads.</summary>
    public static TimeSpan Processor(int processId)
    {
        // schedstat counts nanoseconds; utime in stat counts ticks of 10 ms.
        var nanoseconds = 0L;
        foreach (var thread in Directory.EnumerateDirectories($"/proc/{processId}/task"))
        {
            var text = File.ReadAllText(thread + "/schedstat");
            nanoseconds += long.Parse(text.AsSpan(0, text.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
        }
        return TimeSpan.FromTicks(nanoseconds / 100);
    }

    /// <summary>Milliseconds on a processor in a second of standing by.</summary>
    public static double MillisecondsASecond(int processId, TimeSpan span)
    {
        var before = Processor(processId);
        Thread.Sleep(span);
        return (Processor(processId) - before).TotalMilliseconds / span.TotalSeconds;
    }

    /// <summary>Resident memory in KiB: now ("VmRSS") or at most so far ("VmHWM").</summary>
    public static long Kibibytes(int processId, string which)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(l => l.StartsWith(which + ":", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(which.Length + 1).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture);
    }
}
