using System.Globalization;
using IpcPs.Files;
using IpcPs.Proc;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Connections;

/// <summary>Finds which processes write to which ring, and which ones read from it: by the locks that each of them has on the ring's
/// file.</summary>
internal static class RingConnections
{
    public static void AddTo(ConnectionScan scan)
    {
        if (!scan.IsWanted(IpcScheme.Ring)) return;
        // The process that created a ring opened its file before that had a name, so the name is not in its link.
        var names = new Dictionary<FileId, IpcAddress>();
        foreach (var address in new RingMechanism().Known())
        {
            if (FileStatus.TryOf(RingFile.PathOf(address)) is { } status) names[status.Id] = address;
        }
        foreach (var file in scan.ByFile)
        {
            var first = file.First();
            if (!first.Link.StartsWith(RingFile.Folder + "/", StringComparison.Ordinal)) continue;
            var writers = new HashSet<int>();
            var readers = new HashSet<int>();
            foreach (var descriptor in file)
            {
                foreach (var held in DescriptorFile.TryRead(descriptor.ProcessId, descriptor.Number)?.Locks ?? [])
                {
                    if (held.Type != LockEntry.OpenFile) continue;
                    if (held.Covers(RingFile.WritersAt)) writers.Add(descriptor.ProcessId);
                    if (held.Covers(RingFile.ReadersAt)) readers.Add(descriptor.ProcessId);
                }
            }
            if (writers.Count == 0 || readers.Count == 0) continue;
            var text = string.Create(CultureInfo.InvariantCulture, $"ring:[{first.File!.Value.Inode}]");
            var kind = ConnectionScan.Through("message ring", IpcScheme.Ring, names.GetValueOrDefault(file.Key), text);
            scan.AddEach(writers, readers, kind with { Depth = RingSnapshot.Read(first.Path)?.Pending, DepthUnit = ConnectionScan.Bytes });
        }
    }
}
