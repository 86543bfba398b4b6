using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Locks;
using IpcPs.Proc;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Connections;

/// <summary>Finds which process holds a mutex, or a lock on any file, and which ones wait for it: from the kernel's list of file locks,
/// which any user may read. So a program that uses flock(1) is found, too.</summary>
internal static class LockConnections
{
    private const int SetLockAndWait = 38;      // F_OFD_SETLKW

    public static void AddTo(ConnectionScan scan)
    {
        if (!scan.IsWanted(IpcScheme.Mutex)) return;
        var locks = LockEntry.All(out var problem);
        scan.Inventory.AddProblem("locks", problem);
        var byFile = locks.ToLookup(static l => l.File);
        var mutexes = new HashSet<FileId>();
        foreach (var mutex in new MutexMechanism().Enumerate(scan.Inventory))
        {
            if (mutex.Identity is not FileId file) continue;
            mutexes.Add(file);
            AddMutex(scan, mutex, byFile[file]);
        }
        if (!scan.WantsFiles) return;
        foreach (var file in byFile)
        {
            if (!mutexes.Contains(file.Key) && file.Any(static l => l.IsWaiting)) AddFile(scan, file);
        }
    }

    private static void AddMutex(ConnectionScan scan, IpcObjectInfo mutex, IEnumerable<LockEntry> locks)
    {
        var kind = ConnectionScan.Through(mutex.Kind, IpcScheme.Mutex, mutex.Address);
        var known = locks.ToList();
        var waiting = AddWaits(scan, known, kind);
        var holders = known.Where(static l => !l.IsWaiting).SelectMany(l => HoldersOf(scan, l)).ToHashSet();
        var others = mutex.Holders.Select(static h => h.ProcessId).Distinct().Where(id => !waiting.Contains(id)).ToList();
        if (holders.Count == 0) scan.AddPairs(others, kind);
        foreach (var holder in holders)
        {
            foreach (var other in others.Where(id => !holders.Contains(id)))
                scan.Add(holder, other, kind with { State = IpcConnectionState.Holds, Direction = IpcConnectionDirection.Both });
        }
    }

    private static void AddFile(ConnectionScan scan, IGrouping<FileId, LockEntry> locks)
    {
        var path = locks.SelectMany(l => HoldersOf(scan, l)).Select(id => PathOf(id, locks.Key)).FirstOrDefault(static p => p is not null);
        // The locks of a ring are held for microseconds, or show that a process lives.
        if (path is null || path.StartsWith(RingFile.Folder + "/", StringComparison.Ordinal)) return;
        AddWaits(scan, [.. locks], ConnectionScan.Through("file lock", null, "file:" + path, path));
    }

    private static HashSet<int> AddWaits(ConnectionScan scan, List<LockEntry> locks, IpcConnection kind)
    {
        var all = new HashSet<int>();
        foreach (var request in locks.Where(static l => l.IsWaiting))
        {
            var waiting = request.ProcessId > 0 ? [request.ProcessId] : WaitingFor(scan, request.File);
            all.UnionWith(waiting);
            // It has the number of the lock that it waits for.
            foreach (var held in locks.Where(l => !l.IsWaiting && l.Number == request.Number))
            {
                var wait = kind with { State = IpcConnectionState.Waits, IsForHolder = true };
                scan.AddEach(waiting, [.. HoldersOf(scan, held)], wait);
            }
        }
        return all;
    }

    // The process that made the call. It may have ended, as flock(1) does in a script: the lock is then held by the open file that it
    // inherited. The locks of fcntl(2) on open files name no process at all.
    private static IEnumerable<int> HoldersOf(ConnectionScan scan, LockEntry held)
    {
        if (held.ProcessId > 0 && scan.Processes.IsAlive(held.ProcessId)) return [held.ProcessId];
        return scan.Processes.HoldersOf(held.File).Select(static h => h.ProcessId)
            .Where(id => DescriptorsOf(id, held.File).Any(number => DescriptorFile.TryRead(id, number) is { } file
                && file.Locks.Any(l => l.Type == held.Type && l.Start == held.Start && l.End == held.End)));
    }

    private static HashSet<int> WaitingFor(ConnectionScan scan, FileId file) =>
    [
        .. scan.Calls.Where(c => c.Call.IsFcntl && c.Call.Second == SetLockAndWait
            && FileStatus.TryOf(ProcFile.Descriptor(c.ProcessId, (int)c.Call.First), followLinks: true)?.Id == file)
            .Select(static c => c.ProcessId),
    ];

    private static string? PathOf(int process, FileId file) =>
        DescriptorsOf(process, file).Select(number => ProcFile.ReadLink(ProcFile.Descriptor(process, number))).FirstOrDefault();

    private static List<int> DescriptorsOf(int process, FileId file)
    {
        try
        {
            return
            [
                .. ProcFile.Numbers(ProcFile.Process(process) + "/fd")
                    .Where(number => FileStatus.TryOf(ProcFile.Descriptor(process, number), followLinks: true)?.Id == file),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
