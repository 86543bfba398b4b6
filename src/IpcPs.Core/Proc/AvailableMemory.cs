using System.Globalization;

namespace IpcPs.Proc;

/// <summary>How much memory can be had: asked before a large segment's memory is set aside, because the kernel does not say no there. It goes on until
/// nothing is left and then kills processes.</summary>
internal static class AvailableMemory
{
    /// <summary>Bytes that could be had now, of the machine (MemAvailable and SwapFree of /proc/meminfo) and of this process's control group (memory.max).</summary>
    public static long Available => Math.Min(OfMachine(), OfControlGroup());

    private static long OfMachine()
    {
        try
        {
            long kibibytes = 0;
            foreach (var line in File.ReadLines("/proc/meminfo"))
            {
                if (!line.StartsWith("MemAvailable:", StringComparison.Ordinal) && !line.StartsWith("SwapFree:", StringComparison.Ordinal)) continue;
                kibibytes += long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
            }
            return kibibytes == 0 ? long.MaxValue : kibibytes * 1024;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return long.MaxValue;
        }
    }

    private static long OfControlGroup()
    {
        try
        {
            // "0::/path", seen from the group's own root in a container.
            var path = File.ReadLines("/proc/self/cgroup").FirstOrDefault(static l => l.StartsWith("0::/", StringComparison.Ordinal))?[4..];
            var limit = long.MaxValue;
            for (var folder = path; folder is not null; folder = folder.Length == 0 ? null : Path.GetDirectoryName(folder))
            {
                var file = Path.Combine("/sys/fs/cgroup", folder, "memory.max");
                if (File.Exists(file) && long.TryParse(File.ReadAllText(file), NumberStyles.Integer, CultureInfo.InvariantCulture, out var bytes)) limit = Math.Min(limit, bytes);
            }
            return limit;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }
    }
}
