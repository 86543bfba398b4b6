namespace IpcPs.Proc;

/// <summary>A mount of this process's mount namespace.</summary>
/// <param name="Root">The folder of the file system that the mount shows.</param>
/// <param name="Path">Where it is mounted.</param>
/// <param name="Type">The type of the file system: "tmpfs", "mqueue", "cgroup2".</param>
/// <param name="Options">The options of the file system, separated by commas.</param>
internal sealed record Mount(string Root, string Path, string Type, string Options);

/// <summary>The mounts that this process sees: /proc/self/mountinfo (proc_pid_mountinfo(5)).</summary>
internal static class MountTable
{
    public static IEnumerable<Mount> Read() => ProcFile.ReadLines("/proc/self/mountinfo").Select(Parse).OfType<Mount>();

    /// <summary>Parses a line: "36 35 98:0 /root /path rw,noatime shared:1 - ext3 /dev/sda1 rw,errors=continue".</summary>
    public static Mount? Parse(string line)
    {
        // The number of fields before the hyphen varies.
        var end = line.IndexOf(" - ", StringComparison.Ordinal);
        if (end < 0) return null;
        var fields = line[..end].Split(' ');
        var system = line[(end + 3)..].Split(' ');
        return fields.Length > 4 && system.Length > 2 ? new Mount(Unescape(fields[3]), Unescape(fields[4]), system[0], system[2]) : null;
    }

    private static string Unescape(string path) => path.Replace("\\040", " ", StringComparison.Ordinal);
}
