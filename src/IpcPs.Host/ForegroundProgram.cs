using System.Globalization;
using System.Runtime.InteropServices;

namespace IpcPs.Host;

/// <summary>The program that the session runs and waits for. The engine leaves it alone when it stops a pipeline, trusting that Ctrl+C on the
/// terminal reached it too; a signal that was sent to the session alone must be handed on, or the session would wait for the program's own end.</summary>
internal sealed partial class ForegroundProgram
{
    private const int ClockBoottime = 7;
    private const int TicksPerSecond = 100;
    private long _since = long.MaxValue;

    /// <summary>A program is about to start.</summary>
    public void Begin() => Interlocked.Exchange(ref _since, Now());

    /// <summary>It has ended.</summary>
    public void End() => Interlocked.Exchange(ref _since, long.MaxValue);

    /// <summary>Sends it a signal.</summary>
    public void Signal(PosixSignal signal)
    {
        var since = Interlocked.Read(ref _since);
        var number = signal switch { PosixSignal.SIGHUP => 1, PosixSignal.SIGINT => 2, _ => 15 };
        if (since == long.MaxValue || (signal == PosixSignal.SIGINT && IsInForeground())) return;
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) continue;
            if (TryReadStat(process, out var parent, out var started) && parent == Environment.ProcessId && started >= since) _ = kill(id, number);
        }
    }

    // Where the terminal's keys go to our process group, it has the signal already.
    private static bool IsInForeground() => getpgrp() is var group && (tcgetpgrp(0) == group || tcgetpgrp(1) == group || tcgetpgrp(2) == group);

    private static unsafe long Now()
    {
        Timespec now;
        return clock_gettime(ClockBoottime, &now) == 0 ? (now.Seconds * TicksPerSecond) + (now.Nanoseconds / (1_000_000_000 / TicksPerSecond)) : long.MaxValue;
    }

    private static bool TryReadStat(string process, out int parent, out long started)
    {
        (parent, started) = (0, 0);
        try
        {
            var stat = File.ReadAllText(process + "/stat");
            // After the name in parentheses, which may hold anything: state, parent, and start time as the 20th.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields.Length > 19 && int.TryParse(fields[1], CultureInfo.InvariantCulture, out parent) && long.TryParse(fields[19], CultureInfo.InvariantCulture, out started);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int processId, int signal);

    [LibraryImport("libc")]
    private static partial int getpgrp();

    [LibraryImport("libc")]
    private static partial int tcgetpgrp(int descriptor);

    [LibraryImport("libc")]
    private static unsafe partial int clock_gettime(int clock, Timespec* time);

    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
