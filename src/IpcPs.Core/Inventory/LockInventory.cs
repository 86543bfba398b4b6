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
            if (scan.OfFile(address!, "POSIX semaphore", path, depth: ValueOf(path)) is { } info) yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> Sets(InventoryScan scan)
    {
        foreach (var row in scan.SysVRows(IpcScheme.SysVSem))
        {
            var (users, waiters) = UsersOf((int)row.Id, (int)row["nsems"]);
            var (stale, reason) = waiters switch
            {
                null => (false, "not proven: its users can't be read"),
                > 0 => (false, $"{waiters} processes wait on it"),
                _ => scan.EvaluateByUsers(users.ToArray()),
            };
            yield return new IpcObjectInfo
            {
                Address = row.Address,
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

    // Uses semctl(2) directly: opening a set would wait for a creator that has not set its values yet.
    private static unsafe (IReadOnlyList<int> Users, int? Waiters) UsersOf(int id, int count)
    {
        var users = new List<int>();
        var waiters = 0;
        for (var i = 0; i < count; i++)
        {
            var user = Libc.semctl(id, i, Libc.GETPID, null);
            var forMore = Libc.semctl(id, i, Libc.GETNCNT, null);
            var forZero = Libc.semctl(id, i, Libc.GETZCNT, null);
            // No permission to read it, or gone meanwhile.
            if (user < 0 || forMore < 0 || forZero < 0) return ([], null);
            users.Add(user);
            waiters += forMore + forZero;
        }
        return (users, waiters);
    }
}
