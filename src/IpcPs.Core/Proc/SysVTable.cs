using System.Globalization;

namespace IpcPs.Proc;

/// <summary>The System V objects of this IPC namespace, from /proc/sysvipc/{msg,sem,shm} (proc_sysvipc(5)).
/// Those that this user may not use are among them.</summary>
internal static class SysVTable
{
    /// <summary>The objects of one mechanism; none where the table can't be read.</summary>
    /// <param name="scheme">sysvmq, sysvsem or sysvshm.</param>
    /// <param name="problem">Why the table can't be read, or null.</param>
    public static IReadOnlyList<SysVRow> Read(IpcScheme scheme, out string? problem)
    {
        var (table, idColumn) = scheme switch
        {
            IpcScheme.SysVMq => ("msg", "msqid"),
            IpcScheme.SysVSem => ("sem", "semid"),
            _ => ("shm", "shmid"),
        };
        var path = "/proc/sysvipc/" + table;
        var lines = ProcFile.ReadLines(path, out var error);
        problem = error is null ? null : $"System V objects are not listed: {path} can't be read ({error})";
        if (lines.Length == 0) return [];
        var columns = Split(lines[0]).Select(static (name, at) => (name, at))
            .ToDictionary(static p => p.name, static p => p.at, StringComparer.Ordinal);
        return [.. lines.Skip(1).Select(l => new SysVRow(scheme, idColumn, columns, Split(l)))];
    }

    /// <summary>The addresses of all objects of one mechanism; none where the table can't be read.</summary>
    public static IEnumerable<IpcAddress> Addresses(IpcScheme scheme) => Read(scheme, out _).Select(static r => r.Address);

    private static string[] Split(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A System V object: a line of <see cref="SysVTable"/>.</summary>
internal sealed class SysVRow(IpcScheme scheme, string idColumn, Dictionary<string, int> columns, string[] fields)
{
    /// <summary>The number in a column; 0 where this kernel has no such column.</summary>
    public long this[string column] => columns.TryGetValue(column, out var at) ? long.Parse(fields[at], CultureInfo.InvariantCulture) : 0;

    /// <summary>The kernel's id.</summary>
    public long Id => this[idColumn];

    /// <summary>The address: the key, or the id of an object without a key.</summary>
    public IpcAddress Address => IpcAddress.Parse(
        $"{AddressParser.Word(scheme)}:{(this["key"] is var key and not 0 ? SysVKey.FromNumber((int)key) : SysVKey.FromId((int)Id))}");

    /// <summary>Queues: the process that received last; 0 for none. The kernel records a thread where that waited when the message was
    /// sent.</summary>
    public int LastReceiver => this["lrpid"] is var id and not 0 ? ProcFile.ProcessOfThread((int)id) : 0;

    public UnixFileMode Mode => (UnixFileMode)(Convert.ToInt32(fields[columns["perms"]], 8) & 0x1FF);

    public uint UserId => (uint)this["uid"];

    public uint GroupId => (uint)this["gid"];

    /// <summary>The time in a column; null where that has not happened yet.</summary>
    public DateTime? Time(string column) =>
        this[column] is var seconds and > 0 ? DateTimeOffset.FromUnixTimeSeconds(seconds).LocalDateTime : null;

    /// <summary>The later one of the times in two columns; null where neither has happened yet.</summary>
    public DateTime? Later(string one, string other) =>
        Math.Max(this[one], this[other]) is var seconds and > 0 ? DateTimeOffset.FromUnixTimeSeconds(seconds).LocalDateTime : null;
}
