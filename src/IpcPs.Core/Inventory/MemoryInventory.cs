using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Proc;
using IpcPs.Rings.Algorithm;
using IpcPs.SharedMemory;

namespace IpcPs.Inventory;

/// <summary>Lists shared memory: POSIX segments, System V segments, memfds.</summary>
internal static class MemoryInventory
{
    public static IEnumerable<IpcObjectInfo> Posix(InventoryScan scan)
    {
        // Semaphores and rings lie there too, under names of their own.
        foreach (var name in PathWatch.FilesIn(PosixSharedMemory.Folder, Libc.S_IFREG, static n => !n.StartsWith("sem.", StringComparison.Ordinal) && !n.StartsWith(RingFile.Prefix, StringComparison.Ordinal)))
        {
            // A message that waits in a queue is held by nobody, and is not stale for that.
            var large = LargeMessage.IsName("/" + name);
            if (IpcAddress.TryParse("shm:/" + name, out var address)
                && scan.OfFile(address!, large ? "POSIX shared memory (message)" : "POSIX shared memory", Path.Combine(PosixSharedMemory.Folder, name), unheld: large ? () => LargeMessage.Evaluate("/" + name) : null,
                    channel: large ? LargeMessage.ChannelOf("/" + name) : null) is { } info)
                yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> Anonymous(InventoryScan scan)
    {
        if (!scan.All) yield break;
        var seen = new HashSet<FileId>();
        foreach (var descriptor in scan.Processes.Descriptors)
        {
            if (!descriptor.Link.StartsWith("/memfd:", StringComparison.Ordinal)) continue;
            var path = $"/proc/{descriptor.ProcessId}/fd/{descriptor.Number}";
            if (FileId.OfPath(path, out _) is not { } file || !seen.Add(file)) continue;
            if (scan.OfFile(IpcAddress.OfDescriptor(IpcScheme.MemFd, descriptor.ProcessId, descriptor.Number), "anonymous shared memory", path) is { } info) yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> SysV(InventoryScan scan)
    {
        foreach (var row in SysVRow.Read("shm", scan))
        {
            var creator = (int)row["cpid"];
            var last = (int)row["lpid"];
            // The kernel counts the attached itself, so those that can't be looked into are counted too.
            var (stale, reason) = row["nattch"] > 0 ? (false, $"attached {row["nattch"]} {(row["nattch"] == 1 ? "time" : "times")}")
                : creator == 0 || (last == 0 && row["atime"] != 0) ? (false, "not proven: it was used by a process that can't be seen")
                : scan.JudgeByUsers(creator, last);
            yield return new IpcObjectInfo
            {
                Address = row.Address(IpcScheme.SysVShm, "shmid"),
                Kind = "System V shared memory",
                Owner = Accounts.UserName(row.UserId),
                OwnerId = row.UserId,
                Group = Accounts.GroupName(row.GroupId),
                Mode = row.Mode,
                Size = row["size"],
                Depth = row["nattch"],
                CreatorId = creator,
                LastIds = last == 0 ? [] : [last],
                Created = row.Time("ctime"),
                Identity = row["shmid"],
                LastUsed = row.Time("atime") > row.Time("dtime") ? row.Time("atime") : row.Time("dtime") ?? row.Time("atime"),
                Holders = scan.Processes.HoldersOfSysVMemory(row["shmid"]),
                IsStale = stale,
                Reason = reason,
            };
        }
    }
}
