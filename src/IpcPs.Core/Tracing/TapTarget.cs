using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Proc;
using IpcPs.Sockets.Loopback;

namespace IpcPs.Tracing;

/// <summary>Which processes have a channel open, and how the link of its descriptors reads (proc(5), /proc/PID/fd).</summary>
internal sealed class TapTarget
{
    private readonly HashSet<string> _links;
    private readonly string? _socketName;

    private TapTarget(ProcessScan scan, IEnumerable<string> links, IEnumerable<int> holders, string? socketName = null)
    {
        scan.LookAtAll();
        Unseen = scan.Describe();
        _links = [.. links];
        _socketName = socketName;
        Holders = [.. holders.Where(static id => id != Environment.ProcessId).Distinct().Order()];
    }

    /// <summary>The processes that have it open, without this one.</summary>
    public IReadOnlyList<int> Holders { get; }

    /// <summary>Which processes could not be inspected, in words; null where all were.</summary>
    public string? Unseen { get; }

    /// <summary>Whether a process that receives is the side of the address: a server's socket.</summary>
    public bool IsServer => _socketName is not null;

    /// <summary>Finds the processes that have a channel open now.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: there is no such object.</exception>
    public static TapTarget Find(IpcAddress address)
    {
        var scan = new ProcessScan();
        switch (address.Scheme)
        {
            case IpcScheme.Pipe or IpcScheme.Fd:
                var owner = address.Scheme == IpcScheme.Fd ? Environment.ProcessId : address.ProcessId;
                var links = new[] { address.Descriptor, address.WriteDescriptor }.Where(static n => n >= 0)
                    .Select(n => ProcFile.ReadLink(ProcFile.Descriptor(owner, n))).OfType<string>().Distinct().ToList();
                if (links.Count == 0) throw NotFound(address, "no process has that descriptor");
                return new TapTarget(scan, links, scan.Descriptors.Where(d => links.Contains(d.Link)).Select(static d => d.ProcessId));
            case IpcScheme.Fifo:
                var file = FileStatus.TryOf(address.Path!, followLinks: true)?.Id
                    ?? throw NotFound(address, "there is no such file");
                // A process that waits to open it is a holder as well.
                var open = scan.Descriptors.Where(d => d.File == file).ToList();
                return new TapTarget(scan, open.Select(static d => d.Link).Append(address.Path!),
                    open.Select(static d => d.ProcessId).Concat(scan.Openers.Of(file).Select(static h => h.ProcessId)));
            case IpcScheme.Mq:
                // Says so where there is no such queue.
                IpcMechanisms.Open(address, new OpenOptions { Access = IpcAccess.Read }, Deadline.Immediate).Dispose();
                string[] names = ["/" + address.Name, "/dev/mqueue/" + address.Name];
                return new TapTarget(scan, names, scan.Descriptors.Where(d => names.Contains(d.Link)).Select(static d => d.ProcessId));
            default:
                var name = address.IsAbstract ? "@" + address.Name : address.Path!;
                var sockets = UnixSocketTable.Read()?.Where(s => s.Name == name).Select(static s => $"socket:[{s.Inode}]")
                    ?? ProcNetTable.Unix(out _).Where(s => s.Name == name).Select(static s => s.Link);
                return new TapTarget(scan, [], sockets.SelectMany(s => scan.HoldersOfLink(s)).Select(static h => h.ProcessId), name);
        }
    }

    /// <summary>Whether a descriptor with that link is one of the channel, as <see cref="StraceLine"/> shows it.</summary>
    public bool Is(string? link)
    {
        if (link is null) return false;
        if (_socketName is null) return _links.Contains(link);
        // UNIX-STREAM:[1->2,"/path"], and @"name" for an abstract name.
        var quoted = _socketName[0] == '@' ? $"@\"{_socketName[1..]}\"]" : $"\"{_socketName}\"]";
        return link.StartsWith("UNIX", StringComparison.Ordinal) && link.EndsWith("," + quoted, StringComparison.Ordinal);
    }

    private static IpcException NotFound(IpcAddress address, string why) =>
        new(IpcErrors.NotFound, $"'{address}' can't be traced: {why}.", address.Text);
}
