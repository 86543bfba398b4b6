using System.Globalization;

namespace IpcPs.Proc;

/// <summary>How much memory this process can get. It is checked before a large segment is allocated: the kernel does not refuse there, but
/// allocates until no memory is left and then kills processes.</summary>
internal static class AvailableMemory
{
    /// <summary>Bytes that are available now: the machine's MemAvailable and SwapFree (/proc/meminfo), or less where one of this process's
    /// control groups (cgroups(7), version 1 or 2) has a limit: what the limit leaves beyond what the group uses.</summary>
    public static long Available
    {
        get
        {
            var machine = ReadNumbers("/proc/meminfo");
            if (!machine.TryGetValue("MemAvailable", out var memory)) return long.MaxValue;
            var swap = machine.GetValueOrDefault("SwapFree") * 1024;
            return Math.Min((memory * 1024) + swap, LeftByGroups(ProcFile.ReadLines("/proc/self/cgroup"), MountTable.Read(), swap));
        }
    }

    /// <summary>Bytes that the limits of control groups leave a process.</summary>
    /// <param name="groups">The lines of the process's /proc/PID/cgroup.</param>
    /// <param name="mounts">The mounts, in which the groups are found.</param>
    /// <param name="freeSwap">The machine's free swap space in bytes. Memory that a limit forbids may be swapped out.</param>
    internal static long LeftByGroups(string[] groups, IEnumerable<Mount> mounts, long freeSwap)
    {
        var (memory, swap, sum) = (long.MaxValue, freeSwap, long.MaxValue);
        foreach (var mount in mounts)
        {
            var isVersion2 = mount.Type == "cgroup2";
            if (!isVersion2 && (mount.Type != "cgroup" || !mount.Options.Split(',').Contains("memory"))) continue;
            // "0::/path" and "4:memory:/path".
            var path = groups.Select(static l => l.Split(':', 3))
                .FirstOrDefault(f => f.Length == 3 && (isVersion2 ? f[0] == "0" : f[1].Split(',').Contains("memory")))?[2];
            if (path is null) continue;
            // A limit holds for all groups below it.
            for (var folder = FolderOf(mount, path); folder?.Length >= mount.Path.Length; folder = Path.GetDirectoryName(folder))
            {
                if (isVersion2)
                {
                    memory = Math.Min(memory, Left(folder, "memory.max", "memory.current", Reclaimable(folder, "")));
                    swap = Math.Min(swap, Left(folder, "memory.swap.max", "memory.swap.current", 0));
                    continue;
                }
                var cache = Reclaimable(folder, "total_");
                memory = Math.Min(memory, Left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", cache));
                // In version 1 this is the limit of memory and swap space together.
                sum = Math.Min(sum, Left(folder, "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes", cache));
            }
        }
        return Math.Min(sum, memory > long.MaxValue - swap ? long.MaxValue : memory + swap);
    }

    // In a container the mount may begin at the container's own group, or the path may.
    private static string? FolderOf(Mount mount, string path)
    {
        // The group is outside of what this process can see.
        if (path.StartsWith("/..", StringComparison.Ordinal)) return mount.Path;
        var inMount = mount.Root == "/" ? path : path.StartsWith(mount.Root, StringComparison.Ordinal) ? path[mount.Root.Length..] : "";
        var folder = mount.Path + inMount.TrimEnd('/');
        return Directory.Exists(folder) ? folder : mount.Path;
    }

    private static long Left(string folder, string limitFile, string usageFile, long reclaimable)
    {
        // "max" in version 2 is no number, and an unlimited group of version 1 has a limit near the largest one.
        if (ReadNumber(Path.Combine(folder, limitFile)) is not { } limit) return long.MaxValue;
        var used = (ReadNumber(Path.Combine(folder, usageFile)) ?? 0) - reclaimable;
        return Math.Max(0, limit - Math.Max(0, used));
    }

    // The kernel counts the cache of files as used, and drops it when memory is needed.
    private static long Reclaimable(string folder, string prefix)
    {
        var numbers = ReadNumbers(Path.Combine(folder, "memory.stat"));
        return numbers.GetValueOrDefault(prefix + "inactive_file") + numbers.GetValueOrDefault(prefix + "active_file");
    }

    private static long? ReadNumber(string file) =>
        File.Exists(file) && long.TryParse(ProcFile.ReadText(file), CultureInfo.InvariantCulture, out var number) ? number : null;

    // "MemAvailable:   16242980 kB" and "inactive_file 100139008".
    private static Dictionary<string, long> ReadNumbers(string file)
    {
        var numbers = new Dictionary<string, long>(StringComparer.Ordinal);
        if (!File.Exists(file)) return numbers;
        foreach (var line in ProcFile.ReadLines(file))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var name, var text, ..]
                && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                numbers[name.TrimEnd(':')] = number;
        }
        return numbers;
    }
}
