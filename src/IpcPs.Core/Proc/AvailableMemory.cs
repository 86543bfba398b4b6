using System.Globalization;

namespace IpcPs.Proc;

/// <summary>How much memory this process can get. It is checked before a large segment is allocated: the kernel does not refuse there, but
/// allocates until no memory is left and then kills processes.</summary>
internal static class AvailableMemory
{
    /// <summary>Bytes that are available now: the machine's MemAvailable and SwapFree (/proc/meminfo), or less where this process's control
    /// groups have a lower limit (memory.max).</summary>
    public static long Available => Math.Min(OfMachine(), OfControlGroup());

    private static long OfMachine()
    {
        long kibibytes = 0;
        foreach (var line in ProcFile.ReadLines("/proc/meminfo"))
        {
            // "MemAvailable:   16242980 kB"
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["MemAvailable:" or "SwapFree:", var number, ..]
                && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) kibibytes += value;
        }
        return kibibytes == 0 ? long.MaxValue : kibibytes * 1024;
    }

    private static long OfControlGroup()
    {
        // "0::/path"; in a container the path begins at the container's own group.
        var path = ProcFile.ReadLines("/proc/self/cgroup").FirstOrDefault(static l => l.StartsWith("0::/", StringComparison.Ordinal))?[4..];
        var limit = long.MaxValue;
        for (var folder = path; folder is not null; folder = folder.Length == 0 ? null : Path.GetDirectoryName(folder))
        {
            var file = Path.Combine("/sys/fs/cgroup", folder, "memory.max");
            if (!File.Exists(file) || ProcFile.ReadText(file) is not { } text) continue;
            if (long.TryParse(text, CultureInfo.InvariantCulture, out var bytes)) limit = Math.Min(limit, bytes);
        }
        return limit;
    }
}
