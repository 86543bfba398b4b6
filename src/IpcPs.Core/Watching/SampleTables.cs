using System.Globalization;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Watching;

/// <summary>The kernel's tables that a sample reads at most once, for all objects.</summary>
/// <param name="sockets">The sockets, which a sampler keeps for its next sample.</param>
internal sealed class SampleTables(SocketGauge sockets)
{
    private readonly Lazy<Dictionary<FileId, (int? Holder, int Waiters)>> _locks = new(ReadLocks);

    /// <summary>The flock(2) locks: which process has one, and how many wait for it.</summary>
    public Dictionary<FileId, (int? Holder, int Waiters)> FileLocks => _locks.Value;

    public SocketGauge Sockets => sockets;

    // "7: FLOCK  ADVISORY  WRITE 1234 00:1f:5678 0 EOF", and below it "7: -> FLOCK …" for each process that waits (proc_locks(5)).
    private static Dictionary<FileId, (int? Holder, int Waiters)> ReadLocks()
    {
        var locks = new Dictionary<FileId, (int? Holder, int Waiters)>();
        foreach (var line in ProcFile.ReadLines("/proc/locks"))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var waits = fields.Length > 1 && fields[1] == "->";
            var at = waits ? 2 : 1;
            if (fields.Length < at + 5 || fields[at] != "FLOCK" || FileOf(fields[at + 4]) is not { } file) continue;
            if (!int.TryParse(fields[at + 3], CultureInfo.InvariantCulture, out var process)) continue;
            var (holder, waiters) = locks.GetValueOrDefault(file);
            locks[file] = waits ? (holder, waiters + 1) : (process, waiters);
        }
        return locks;
    }

    private static FileId? FileOf(string text)
    {
        var parts = text.Split(':');
        return parts.Length == 3
            && uint.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var major)
            && uint.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var minor)
            && ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var inode)
            ? new FileId(major, minor, inode) : null;
    }
}
