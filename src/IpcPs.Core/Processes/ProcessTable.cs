using System.Globalization;

namespace IpcPs.Processes;

/// <summary>The processes of this machine, as /proc shows them (proc(5)).</summary>
public static unsafe class ProcessTable
{
    // USER_HZ: what the kernel counts start times in for programs, on every architecture that we run on.
    private const long TicksPerSecond = 100;

    /// <summary>A process: its number, its name and when it started (in 1/100 s since boot).</summary>
    internal readonly record struct Entry(int ProcessId, string Name, long StartTicks, char State, int GroupId);

    /// <summary>Number and name of each process that runs. The kernel cuts names at 15 characters; where the program's own name goes on, it is given whole.</summary>
    public static IEnumerable<(int ProcessId, string Name)> All()
    {
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(path.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) continue;
            if (TryRead(id) is { } process) yield return (id, WholeName(process));
        }
    }

    internal static Entry? TryRead(int processId)
    {
        try
        {
            // "12 (any) thing)) S 1 12 …": the name may hold anything, so what follows is counted from the last parenthesis.
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            var open = stat.IndexOf('(', StringComparison.Ordinal);
            var close = stat.LastIndexOf(')');
            var fields = stat[(close + 2)..].Split(' ');
            return new Entry(processId, stat[(open + 1)..close], long.Parse(fields[19], CultureInfo.InvariantCulture), fields[0][0], int.Parse(fields[2], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal static DateTime ToLocalTime(long startTicks)
    {
        // As .NET's Process does: the wall clock now, less the time since boot.
        var boot = DateTime.UtcNow - TimeSpan.FromSeconds(SecondsSinceBoot());
        return (boot + TimeSpan.FromSeconds((double)startTicks / TicksPerSecond)).ToLocalTime();
    }

    internal static string OwnerOf(int processId)
    {
        Libc.Statx stat;
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");
        return Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS, &stat) == 0 ? $"the user {Accounts.UserName(stat.UserId)}" : "another user";
    }

    private static double SecondsSinceBoot() =>
        double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);

    private static string WholeName(Entry process)
    {
        if (process.Name.Length < 15) return process.Name;
        try
        {
            var command = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.ProcessId}/cmdline"));
            foreach (var word in command.Split('\0').Take(2))
            {
                // The first word, or of a script its interpreter's second.
                var name = Path.GetFileName(word);
                if (name.StartsWith(process.Name, StringComparison.Ordinal)) return name;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The short name then.
        }
        return process.Name;
    }
}
