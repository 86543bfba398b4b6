using System.Globalization;

namespace IpcPs.Proc;

/// <summary>An open descriptor as /proc/PID/fdinfo/FD shows it (proc_pid_fdinfo(5)).</summary>
/// <param name="Flags">The flags of open(2).</param>
/// <param name="Locks">The file locks that the open file has.</param>
internal sealed record DescriptorFile(int Flags, IReadOnlyList<LockEntry> Locks)
{
    /// <summary>Whether it was opened to read.</summary>
    public bool CanRead => (Flags & Libc.O_PATH) == 0 && (Flags & Libc.O_ACCMODE) != Libc.O_WRONLY;

    /// <summary>Whether it was opened to write.</summary>
    public bool CanWrite => (Flags & Libc.O_PATH) == 0 && (Flags & Libc.O_ACCMODE) != Libc.O_RDONLY;

    /// <summary>Reads it; null where it was closed, or this user may not see it.</summary>
    public static DescriptorFile? TryRead(int processId, int number)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"{ProcFile.Process(processId)}/fdinfo/{number}");
        int? flags = null;
        var locks = new List<LockEntry>();
        foreach (var line in ProcFile.ReadLines(path))
        {
            if (line.StartsWith("flags:", StringComparison.Ordinal)) flags = Convert.ToInt32(line[6..].Trim(), 8);
            else if (line.StartsWith("lock:", StringComparison.Ordinal) && LockEntry.Parse(line[5..].Trim()) is { } entry) locks.Add(entry);
        }
        return flags is { } known ? new DescriptorFile(known, locks) : null;
    }
}
