using System.Globalization;
using IpcPs.Proc;
using IpcPs.SharedMemory;
using Xunit;

namespace IpcPs.Tests.Proc;

/// <summary>A control group below that of this process, with a limit of memory.</summary>
internal sealed class ControlGroup : IDisposable
{
    private readonly string _folder;

    private ControlGroup(string folder) => _folder = folder;

    /// <summary>The file that a process writes 0 to, to enter the group.</summary>
    public string Processes => Path.Combine(_folder, "cgroup.procs");

    /// <summary>Creates a group.</summary>
    /// <returns>Null where this user can't.</returns>
    public static ControlGroup? TryCreate(long limit)
    {
        foreach (var mount in MountTable.Read())
        {
            var (mark, limitFile) = mount.Type == "cgroup2" ? ("0::", "memory.max") : (":memory:", "memory.limit_in_bytes");
            if (mount.Type != "cgroup2" && !(mount.Type == "cgroup" && mount.Options.Split(',').Contains("memory"))) continue;
            var line = File.ReadLines("/proc/self/cgroup").FirstOrDefault(l => l.Contains(mark, StringComparison.Ordinal));
            if (line is null) continue;
            var folder = $"{mount.Path}{line.Split(':', 3)[2]}/ipcps-test-{Guid.NewGuid():N}";
            try
            {
                Directory.CreateDirectory(folder);
                if (File.Exists(Path.Combine(folder, limitFile)))
                {
                    File.WriteAllText(Path.Combine(folder, limitFile), limit.ToString(CultureInfo.InvariantCulture));
                    return new ControlGroup(folder);
                }
                Directory.Delete(folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another one perhaps.
            }
        }
        return null;
    }

    /// <summary>The process in the group: it creates segments, and prints the result of each.</summary>
    /// <param name="processes"><see cref="Processes"/>.</param>
    /// <param name="segments">An address and a size, again and again.</param>
    public static void Play(string processes, string[] segments)
    {
        File.WriteAllText(processes, "0");
        for (var i = 0; i + 1 < segments.Length; i += 2)
        {
            try
            {
                using var made = PosixSharedMemory.Create(IpcAddress.Parse(segments[i]),
                    long.Parse(segments[i + 1], CultureInfo.InvariantCulture));
                Console.WriteLine("created");
            }
            catch (IpcException e)
            {
                Console.WriteLine($"{e.Id} {e.Id.Category} {e.Message}");
            }
        }
    }

    public void Dispose() => Directory.Delete(_folder);
}

/// <summary>A test that needs a control group of its own: root has one, where the control groups are mounted so that it can
/// write.</summary>
internal sealed class ControlGroupFactAttribute : FactAttribute
{
    public ControlGroupFactAttribute()
    {
        using var probe = ControlGroup.TryCreate(1 << 30);
        if (probe is null) Skip = "This user can't create a control group with a limit of memory.";
    }
}
