using IpcPs.Files;
using IpcPs.SharedMemory;

namespace IpcPs.Inventory;

/// <summary>Lists semaphores of both families and mutexes.</summary>
internal static class LockInventory
{
    private const string Prefix = "sem.";

    public static IEnumerable<IpcObjectInfo> Semaphores(InventoryScan scan)
    {
        foreach (var name in FileStatus.NamesIn(PosixSharedMemory.Folder, Libc.S_IFREG,
            static n => n.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            if (!IpcAddress.TryParse("sem:/" + name[Prefix.Length..], out var address)) continue;
            var path = Path.Combine(PosixSharedMemory.Folder, name);
            if (scan.OfFile(address!, "POSIX semaphore", path, depth: () => ValueOf(path)) is { } info) yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> Sets(InventoryScan scan)
    {
        foreach (var row in scan.SysVRows(IpcScheme.SysVSem))
        {
            var address = row.Address;
            if (!scan.Wants(address)) continue;
            var semaphores = StateOf((int)row.Id, (int)row["nsems"]);
            var users = semaphores.Select(static s => s.LastUser).ToArray();
            var waiters = semaphores.Sum(static s => s.Waiters);
            var (stale, reason) = waiters switch
            {
                _ when semaphores.Count == 0 => (false, "not proven: its users can't be read"),
                > 0 => (false, $"{waiters} processes wait on it"),
                _ => scan.EvaluateByUsers(users),
            };
            yield return new IpcObjectInfo
            {
                Address = address,
                Kind = "System V semaphore set",
                Owner = Accounts.UserName(row.UserId),
                OwnerId = row.UserId,
                Group = Accounts.GroupName(row.GroupId),
                Mode = row.Mode,
                Depth = row["nsems"],
                LastIds = [.. users.Where(static u => u != 0).Distinct()],
                Created = row.Time("ctime"),
                Identity = row.Id,
                LastUsed = row.Time("otime"),
                IsStale = stale,
                Reason = reason,
            };
        }
    }

    public static IEnumerable<IpcObjectInfo> Mutexes(InventoryScan scan, IEnumerable<IpcAddress> known)
    {
        foreach (var address in known)
        {
            if (scan.OfFile(address, "mutex", address.Path!) is { } info) yield return info;
        }
    }

    // glibc keeps the value in the low half of the first eight bytes.
    private static long? ValueOf(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> bytes = stackalloc byte[8];
            return file.Length == 32 && file.ReadAtLeast(bytes, 8, throwOnEndOfStream: false) == 8 ? BitConverter.ToUInt32(bytes) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Each semaphore of a set; none where this user may not read it, or it is gone.</summary>
    /// <remarks>Uses semctl(2) directly: opening a set would wait for a creator that has not set its values yet.</remarks>
    public static unsafe IReadOnlyList<SemaphoreState> StateOf(int id, int count)
    {
        var states = new List<SemaphoreState>(count);
        for (var i = 0; i < count; i++)
        {
            var value = Libc.semctl(id, i, Libc.GETVAL, null);
            var user = Libc.semctl(id, i, Libc.GETPID, null);
            var forMore = Libc.semctl(id, i, Libc.GETNCNT, null);
            var forZero = Libc.semctl(id, i, Libc.GETZCNT, null);
            if (value < 0 || user < 0 || forMore < 0 || forZero < 0) return [];
            states.Add(new SemaphoreState(value, user, forMore + forZero));
        }
        return states;
    }

    /// <summary>A semaphore of a System V set.</summary>
    /// <param name="Value">Its value.</param>
    /// <param name="LastUser">The process that changed it last; 0 for none.</param>
    /// <param name="Waiters">How many processes wait for it.</param>
    internal readonly record struct SemaphoreState(int Value, int LastUser, int Waiters);
}
