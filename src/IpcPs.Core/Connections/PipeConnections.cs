using IpcPs.Files;
using IpcPs.Inventory;

namespace IpcPs.Connections;

/// <summary>Finds which processes write to which pipe, and which ones read from it: by the flags of their descriptors.</summary>
internal static class PipeConnections
{
    public static void AddTo(ConnectionScan scan)
    {
        var open = scan.Processes.Descriptors;
        if (scan.IsWanted(IpcScheme.Pipe))
        {
            foreach (var pipe in open.Where(static d => d.Link.StartsWith("pipe:[", StringComparison.Ordinal)).GroupBy(static d => d.Link))
            {
                // The address that a listing of objects has: its first descriptor.
                var first = pipe.First();
                var address = IpcAddress.OfDescriptor(IpcScheme.Pipe, first.ProcessId, first.Number);
                Add(scan, [.. pipe], ConnectionScan.Through("anonymous pipe", IpcScheme.Pipe, address));
            }
        }
        if (!scan.IsWanted(IpcScheme.Fifo)) return;
        foreach (var file in scan.ByFile)
        {
            var first = file.First();
            if (first.Link.LastIndexOf('/') == 0 || FileStatus.TryOf(first.Path, followLinks: true)?.IsType(Libc.S_IFIFO) != true) continue;
            var kind = ConnectionScan.Through("named pipe", IpcScheme.Fifo, "fifo:" + Bare(first.Link), first.Link);
            Add(scan, [.. file], kind with { IsOfRuntime = InventoryScan.IsOfRuntime(first.Link) });
        }
    }

    // A name in the runtime folder, as a listing of objects has it.
    private static string Bare(string path)
    {
        var folder = RuntimeFolder.Path + "/";
        return path.StartsWith(folder, StringComparison.Ordinal) && path.LastIndexOf('/') < folder.Length ? path[folder.Length..] : path;
    }

    private static void Add(ConnectionScan scan, List<ProcessScan.OpenDescriptor> ends, IpcConnection kind) =>
        scan.AddByAccess(ends, kind, () => BytesIn(ends));

    // The pipe has a reader and a writer, so one more reader for a moment changes nothing for either.
    private static unsafe long? BytesIn(List<ProcessScan.OpenDescriptor> ends)
    {
        foreach (var end in ends)
        {
            var fd = Libc.open(end.Path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0);
            if (fd < 0) continue;
            using var reader = new SafeDescriptor(fd);
            int bytes;
            return Libc.ioctl(reader, Libc.FIONREAD, &bytes) == 0 ? bytes : null;
        }
        return null;
    }
}
