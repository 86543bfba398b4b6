using IpcPs.Files;

namespace IpcPs.Inventory;

/// <summary>Lists pipes: named ones in the runtime folder and wherever a process has one open, anonymous ones where all is asked for.</summary>
internal static class PipeInventory
{
    public static IEnumerable<IpcObjectInfo> Named(InventoryScan scan)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in PathWatch.FilesIn(RuntimeFolder.Path, Libc.S_IFIFO))
        {
            var path = Path.Combine(RuntimeFolder.Path, name);
            seen.Add(path);
            if (IpcAddress.TryParse("fifo:" + name, out var address) && scan.OfFile(address!, "named pipe", path) is { } info) yield return info;
        }
        foreach (var descriptor in scan.Processes.Descriptors)
        {
            if (!descriptor.Link.StartsWith('/') || !seen.Add(descriptor.Link) || !IsFifo(descriptor.Link)) continue;
            if (IpcAddress.TryParse("fifo:" + descriptor.Link, out var address) && scan.OfFile(address!, "named pipe", descriptor.Link) is { } info) yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> Anonymous(InventoryScan scan)
    {
        if (!scan.All) yield break;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var descriptor in scan.Processes.Descriptors)
        {
            if (!descriptor.Link.StartsWith("pipe:[", StringComparison.Ordinal) || !seen.Add(descriptor.Link)) continue;
            var stat = default(Libc.Statx);
            var known = FileId.OfPath($"/proc/{descriptor.ProcessId}/fd/{descriptor.Number}", out stat) is not null;
            yield return new IpcObjectInfo
            {
                Address = IpcAddress.OfDescriptor(IpcScheme.Pipe, descriptor.ProcessId, descriptor.Number),
                Kind = "anonymous pipe",
                Owner = known ? Accounts.UserName(stat.UserId) : null,
                OwnerId = known ? stat.UserId : null,
                Group = known ? Accounts.GroupName(stat.GroupId) : null,
                Mode = known ? (UnixFileMode)(stat.Mode & 0x1FF) : null,
                Created = known ? stat.ChangeTime.ToLocalTime() : null,
                Holders = scan.Processes.HoldersOfLink(descriptor.Link),
                Reason = "exists only as long as a process has it open",
            };
        }
    }

    private static bool IsFifo(string path) => FileId.OfPath(path, out var stat) is not null && stat.IsType(Libc.S_IFIFO);
}
