using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Proc;

namespace IpcPs.Connections;

/// <summary>One listing of connections: what the processes have open, and the connections that were found.</summary>
internal sealed class ConnectionScan(ConnectionOptions options)
{
    public const string Bytes = "bytes";
    public const string Messages = "messages";

    private static readonly ConnectedProcess Unknown = new(0, "");

    private readonly Dictionary<int, ConnectedProcess> _processes = [];
    private readonly Dictionary<(int, int, string), IpcConnection> _found = [];
    private ILookup<FileId, ProcessScan.OpenDescriptor>? _byFile;
    private IReadOnlyList<WaitingThread>? _calls;

    /// <summary>The same look at the machine as that of a listing of objects.</summary>
    public InventoryScan Inventory { get; } = new(new InventoryFilter { All = true });

    public ProcessScan Processes => Inventory.Processes;

    public List<IpcConnection> Found => [.. _found.Values];

    /// <summary>The descriptors of a file that has a path.</summary>
    public ILookup<FileId, ProcessScan.OpenDescriptor> ByFile =>
        _byFile ??= Processes.Descriptors.Where(static d => d.File is not null).ToLookup(static d => d.File!.Value);

    /// <summary>The threads that are in a system call that can wait for another process.</summary>
    public IReadOnlyList<WaitingThread> Calls => _calls ??= WaitingThread.Find(Processes.Ids);

    public bool IsWanted(IpcScheme scheme) => options.Schemes.Count == 0 || options.Schemes.Contains(scheme);

    /// <summary>Whether locks on ordinary files are wanted, which no scheme names.</summary>
    public bool WantsFiles => options.Schemes.Count == 0;

    public ConnectedProcess Process(int id)
    {
        if (_processes.TryGetValue(id, out var known)) return known;
        return _processes[id] = new ConnectedProcess(id, Processes.NameOf(id), options.JobOf(id));
    }

    /// <summary>Adds a connection. What connects the same two processes through the same object both ways becomes one.</summary>
    /// <param name="from">The process that sends, holds or waits.</param>
    /// <param name="to">The other one.</param>
    /// <param name="kind">The rest of it; its processes are replaced.</param>
    /// <param name="isAnother">Whether it is another object with the same address, whose depth counts too.</param>
    public void Add(int from, int to, IpcConnection kind, bool isAnother = false)
    {
        if (!options.All && (from == to || kind.IsOfRuntime)) return;
        var added = kind with { From = Process(from), To = Process(to) };
        // A wait is of two processes in this order only.
        var what = $"{kind.AddressText} {(kind.State == IpcConnectionState.Waits ? "waits" : "")}";
        if (_found.TryGetValue((from, to, what), out var same))
        {
            _found[(from, to, what)] = same with
            {
                Direction = kind.Direction == IpcConnectionDirection.Both ? kind.Direction : same.Direction,
                Depth = isAnother && kind.DepthUnit == Bytes ? same.Depth + kind.Depth : same.Depth,
            };
        }
        else if (kind.State != IpcConnectionState.Waits && from != to && _found.TryGetValue((to, from, what), out var other))
        {
            _found[(to, from, what)] = other with { Direction = IpcConnectionDirection.Both };
        }
        else
        {
            _found[(from, to, what)] = added;
        }
    }

    /// <summary>Connects each of some processes with each of the others.</summary>
    public void AddPairs(IReadOnlyList<int> processes, IpcConnection kind)
    {
        kind = kind with { Direction = IpcConnectionDirection.Both };
        for (var i = 0; i < processes.Count; i++)
        {
            for (var j = i + 1; j < processes.Count; j++) Add(processes[i], processes[j], kind);
        }
    }

    /// <summary>Connects the processes that have some descriptors open to write with those that have them open to read.</summary>
    /// <param name="descriptors">The descriptors of one object.</param>
    /// <param name="kind">The connection, without its processes.</param>
    /// <param name="bytes">Counts what waits in it; called only where it connects processes.</param>
    public void AddByAccess(IEnumerable<ProcessScan.OpenDescriptor> descriptors, IpcConnection kind, Func<long?>? bytes = null)
    {
        var writers = new HashSet<int>();
        var readers = new HashSet<int>();
        foreach (var descriptor in descriptors)
        {
            if (DescriptorFile.TryRead(descriptor.ProcessId, descriptor.Number) is not { } file) continue;
            if (file.CanWrite) writers.Add(descriptor.ProcessId);
            if (file.CanRead) readers.Add(descriptor.ProcessId);
        }
        if (writers.Count == 0 || readers.Count == 0) return;
        if (!options.All && writers.Count == 1 && writers.SetEquals(readers)) return;
        AddEach(writers, readers, bytes?.Invoke() is { } depth ? kind with { Depth = depth, DepthUnit = Bytes } : kind);
    }

    /// <summary>Connects each writer with each reader.</summary>
    public void AddEach(IReadOnlyCollection<int> writers, IReadOnlyCollection<int> readers, IpcConnection kind)
    {
        foreach (var writer in writers)
        {
            foreach (var reader in readers) Add(writer, reader, kind);
        }
    }

    /// <summary>What could not be seen, in the words of a listing of objects.</summary>
    public void AddUnseenProcesses()
    {
        Processes.LookAtAll();
        if (Processes.Unseen.Count == 0 && !Processes.HidesProcesses) return;
        var rootHint = IpcInventory.CurrentUserId == 0 ? "" : " Root can see them.";
        Inventory.AddProblem("connections", $"{Processes.Describe()}. The connections of such a process are not listed.{rootHint}");
    }

    /// <summary>A connection through an object, without its processes.</summary>
    /// <param name="kind">What the object is.</param>
    /// <param name="scheme">Its mechanism.</param>
    /// <param name="address">Its address, where it has one.</param>
    /// <param name="text">What tells it from others, where it has no address.</param>
    public static IpcConnection Through(string kind, IpcScheme? scheme, string address, string text) =>
        Through(kind, scheme, IpcAddress.TryParse(address, out var parsed) ? parsed : null, text);

    /// <inheritdoc cref="Through(string, IpcScheme?, string, string)"/>
    public static IpcConnection Through(string kind, IpcScheme? scheme, IpcAddress? address, string text = "") => new()
    {
        From = Unknown,
        To = Unknown,
        Kind = kind,
        Scheme = scheme,
        Address = address,
        AddressText = address?.Text ?? text,
        IsUnnamed = address is null || address.Scheme is IpcScheme.Pipe or IpcScheme.MemFd,
    };
}
