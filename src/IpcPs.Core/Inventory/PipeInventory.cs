using IpcPs.Files;

namespace IpcPs.Inventory;

/// <summary>Lists pipes: named pipes in the runtime folder or open in a process, and on demand anonymous pipes.</summary>
internal static class PipeInventory
{
    public static IEnumerable<IpcObjectInfo> Named(InventoryScan scan)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in scan.NamesInRuntimeFolder(Libc.S_IFIFO))
        {
            var path = Path.Combine(RuntimeFolder.Path, name);
            seen.Add(path);
            if (IpcAddress.TryParse("fifo:" + name, out var address)
                && scan.OfFile(address!, "named pipe", path) is { } info) yield return info;
        }
        if (!scan.WantsPaths) yield break;
        foreach (var descriptor in scan.Candidates.Descriptors)
        {
            if (!descriptor.Link.StartsWith('/') || !seen.Add(descriptor.Link) || !IsFifo(descriptor.Link)) continue;
            if (!scan.All && InventoryScan.IsOfRuntime(descriptor.Link)) continue;
            if (IpcAddress.TryParse("fifo:" + descriptor.Link, out var address)
                && scan.OfFile(address!, "named pipe", descriptor.Link) is { } info) yield return info;
        }
    }

    public static IEnumerable<IpcObjectInfo> Anonymous(InventoryScan scan)
    {
        if (!scan.All) yield break;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var descriptor in scan.Candidates.Unnamed)
        {
            if (!descriptor.Link.StartsWith("pipe:[", StringComparison.Ordinal) || !seen.Add(descriptor.Link)) continue;
            var address = IpcAddress.OfDescriptor(IpcScheme.Pipe, descriptor.ProcessId, descriptor.Number);
            if (!scan.Wants(address)) continue;
            var status = FileStatus.TryOf(descriptor.Path, followLinks: true);
            yield return new IpcObjectInfo
            {
                Address = address,
                Kind = "anonymous pipe",
                Owner = status?.Owner,
                OwnerId = status?.UserId,
                Group = status?.Group,
                Mode = status?.Mode,
                Created = status?.Changed,
                Holders = scan.Processes.HoldersOfLink(descriptor.Link),
                Reason = "exists only as long as a process has it open",
            };
        }
    }

    private static bool IsFifo(string path) => FileStatus.TryOf(path, followLinks: true)?.IsType(Libc.S_IFIFO) == true;
}
