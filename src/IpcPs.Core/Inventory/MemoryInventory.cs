using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Rings.Algorithm;
using IpcPs.SharedMemory;

namespace IpcPs.Inventory;

/// <summary>Lists shared memory: POSIX segments, System V segments, memfds.</summary>
internal static class MemoryInventory
{
    public static IEnumerable<IpcObjectInfo> Posix(InventoryScan scan)
    {
        if (!scan.Wants(IpcScheme.Shm)) yield break;
        // The same folder has the files of semaphores and rings.
        foreach (var name in FileStatus.NamesIn(PosixSharedMemory.Folder, Libc.S_IFREG, static n =>
            !n.StartsWith("sem.", StringComparison.Ordinal) && !n.StartsWith(RingFile.Prefix, StringComparison.Ordinal)))
        {
            if (!IpcAddress.TryParse("shm:/" + name, out var address)) continue;
            var path = Path.Combine(PosixSharedMemory.Folder, name);
            // No process holds a message that waits in a queue; it is not stale for that reason.
            var info = LargeMessage.IsName("/" + name)
                ? scan.OfFile(address!, "POSIX shared memory (message)", path,
                    unheld: () => LargeMessage.Evaluate("/" + name), channel: LargeMessage.ChannelOf("/" + name))
                : scan.OfFile(address!, "POSIX shared memory", path);
            if (info is not null) yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> Anonymous(InventoryScan scan)
    {
        if (!scan.All || !scan.Wants(IpcScheme.MemFd)) yield break;
        var seen = new HashSet<FileId>();
        foreach (var descriptor in scan.Candidates.Descriptors)
        {
            if (!descriptor.Link.StartsWith("/memfd:", StringComparison.Ordinal)) continue;
            if (FileStatus.TryOf(descriptor.Path, followLinks: true)?.Id is not { } file || !seen.Add(file)) continue;
            var address = IpcAddress.OfDescriptor(IpcScheme.MemFd, descriptor.ProcessId, descriptor.Number);
            if (scan.OfFile(address, "anonymous shared memory", descriptor.Path) is { } info) yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> SysV(InventoryScan scan)
    {
        foreach (var row in scan.SysVRows(IpcScheme.SysVShm))
        {
            var address = row.Address;
            if (!scan.Wants(address) || !scan.IsHeldByWanted(row.Id)) continue;
            var creator = (int)row["cpid"];
            var last = (int)row["lpid"];
            // The kernel's count includes processes that can't be inspected.
            var (stale, reason) = row["nattch"] > 0 ? (false, $"attached {row["nattch"]} {(row["nattch"] == 1 ? "time" : "times")}")
                : creator == 0 || (last == 0 && row["atime"] != 0) ? (false, "not proven: it was used by a process that can't be seen")
                : scan.EvaluateByUsers(creator, last);
            yield return new IpcObjectInfo
            {
                Address = address,
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
                Identity = row.Id,
                LastUsed = row.Later("atime", "dtime"),
                Holders = row["nattch"] > 0 ? scan.Processes.HoldersOfSysVMemory(row.Id) : [],
                IsStale = stale,
                Reason = reason,
            };
        }
    }
}
