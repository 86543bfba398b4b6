using System.Buffers.Text;
using IpcPs.Files;
using IpcPs.Queues;

namespace IpcPs.Inventory;

/// <summary>Lists message queues of both families.</summary>
internal static class QueueInventory
{
    public static IEnumerable<IpcObjectInfo> Posix(InventoryScan scan)
    {
        if (!scan.Wants(IpcScheme.Mq)) yield break;
        using var folder = QueueFolder.TryOpen();
        if (folder is null)
        {
            scan.AddProblem("mqueue", "POSIX queues that no process has open are not listed: the mqueue file system is not mounted "
                + "(mkdir /dev/mqueue; mount -t mqueue none /dev/mqueue)");
            foreach (var info in OpenQueues(scan)) yield return info;
            yield break;
        }
        foreach (var name in FileStatus.NamesIn(folder.Path, Libc.S_IFREG))
        {
            if (!IpcAddress.TryParse("mq:/" + name, out var address)) continue;
            var path = Path.Combine(folder.Path, name);
            if (scan.OfFile(address!, "POSIX message queue", path, () => MessagesIn(address!), () => BytesIn(path)) is { } info)
                yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> SysV(InventoryScan scan)
    {
        foreach (var row in scan.SysVRows(IpcScheme.SysVMq))
        {
            var address = row.Address;
            if (!scan.Wants(address)) continue;
            var sender = (int)row["lspid"];
            var receiver = row.LastReceiver;
            // 0 where there is a time: a process of another PID namespace.
            var (stale, reason) = (sender == 0 && row["stime"] != 0) || (receiver == 0 && row["rtime"] != 0)
                ? (false, "not proven: it was used by a process that can't be seen") : scan.EvaluateByUsers(sender, receiver);
            yield return new IpcObjectInfo
            {
                Address = address,
                Kind = "System V message queue",
                Owner = Accounts.UserName(row.UserId),
                OwnerId = row.UserId,
                Group = Accounts.GroupName(row.GroupId),
                Mode = row.Mode,
                Size = row["cbytes"],
                Depth = row["qnum"],
                LastIds = [.. new[] { sender, receiver }.Where(static id => id != 0).Distinct()],
                Created = row.Time("ctime"),
                Identity = row.Id,
                LastUsed = row.Later("stime", "rtime"),
                IsStale = stale,
                Reason = reason,
            };
        }
    }

    /// <summary>What this user's POSIX queues count against RLIMIT_MSGQUEUE: the bytes that they can hold, not those that wait in them
    /// (getrlimit(2)). The kernel's own count can't be read, so these are the queues that the user owns now.</summary>
    /// <returns>Null where the queues can't be listed, or one of them can't be opened.</returns>
    public static long? CountedBytes()
    {
        using var folder = QueueFolder.TryOpen();
        if (folder is null) return null;
        var bytes = 0L;
        foreach (var path in Directory.EnumerateFiles(folder.Path))
        {
            if (FileStatus.TryOf(path)?.UserId != Libc.geteuid()) continue;
            if (!IpcAddress.TryParse("mq:/" + Path.GetFileName(path), out var address)) continue;
            try
            {
                using var queue = PosixQueue.OpenExisting(address!, IpcAccess.Default);
                bytes += queue.MaxMessages * (queue.MaxMessageSize + PosixQueue.CountedPerMessage);
            }
            catch (IpcException e) when (e.Id == IpcErrors.NotFound)
            {
                // Gone meanwhile.
            }
            catch (IpcException)
            {
                return null;
            }
        }
        return bytes;
    }

    /// <summary>The queues that a process has open, where the mqueue file system can't be seen.</summary>
    internal static IEnumerable<IpcObjectInfo> OpenQueues(InventoryScan scan)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var descriptor in scan.Candidates.Descriptors)
        {
            // The link of a queue is its bare name, as that of a file in the root folder would be. Only its content tells it from such a
            // file.
            if (descriptor.Link.LastIndexOf('/') != 0 || descriptor.Link.StartsWith("/memfd:", StringComparison.Ordinal)) continue;
            if (!seen.Add(descriptor.Link) || BytesIn(descriptor.Path) is not { } bytes) continue;
            // A removed one that is still open has the link "/NAME (deleted)" and can't be reached by an address.
            if (FileStatus.TryOf(descriptor.Path, followLinks: true)?.Links == 0) continue;
            if (!IpcAddress.TryParse("mq:" + descriptor.Link, out var address)) continue;
            if (scan.OfFile(address!, "POSIX message queue", descriptor.Path, () => MessagesIn(address!), () => bytes) is { } info)
                yield return info;
        }
    }

    private static long? MessagesIn(IpcAddress address)
    {
        try
        {
            using var queue = PosixQueue.OpenExisting(address, IpcAccess.Read);
            return queue.CurrentMessages;
        }
        catch (IpcException)
        {
            // No permission, or gone meanwhile.
            return null;
        }
    }

    // A descriptor may be another file's by now: of a pipe a read would take data, and a device may have no end.
    private static long? BytesIn(string path)
    {
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (fd < 0) return null;
        using var file = new SafeDescriptor(fd);
        return FileStatus.TryOf(file)?.IsType(Libc.S_IFREG) == true ? BytesIn(file) : null;
    }

    /// <summary>The bytes that wait in a queue. The file of a queue, and the descriptor of mq_open(3), has the content
    /// "QSIZE:129 NOTIFY:0 …" (mq_overview(7)).</summary>
    /// <returns>Null if it is not a queue.</returns>
    internal static unsafe long? BytesIn(SafeDescriptor file)
    {
        var content = stackalloc byte[128];
        var text = new ReadOnlySpan<byte>(content, (int)Math.Max(Libc.pread(file, content, 128, 0), 0));
        return text.StartsWith("QSIZE:"u8) && Utf8Parser.TryParse(text[6..], out long bytes, out _) ? bytes : null;
    }
}
