using IpcPs.Brokers;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Inventory;

/// <summary>One listing: the processes that every mechanism looks at, and a place for what could not be seen.</summary>
internal sealed class InventoryScan
{
    private const UnixFileMode ForOthers = (UnixFileMode)0x3F;

    private static readonly string[] RuntimePrefixes = ["dotnet-diagnostic-", "clr-debug-pipe-", "CoreFxPipe_"];

    private readonly InventoryFilter _filter;
    private readonly Lazy<ProcessScan> _processes = new(static () => new ProcessScan());
    private readonly ProcessScan? _wanted;
    private readonly List<InventoryProblem> _problems = [];

    public InventoryScan(InventoryFilter? filter = null)
    {
        _filter = filter ?? new InventoryFilter();
        if (_filter.HolderIds.Count > 0) _wanted = new ProcessScan(_filter.HolderIds);
    }

    /// <summary>The processes and what they have open.</summary>
    public ProcessScan Processes => _processes.Value;

    /// <summary>The processes that hold what is wanted: all, if the filter names none.</summary>
    public ProcessScan Candidates => _wanted ?? Processes;

    /// <summary>Whether any process was inspected.</summary>
    public bool HasLookedForHolders => _processes.IsValueCreated && Processes.HasLookedForHolders;

    /// <summary>Whether anonymous objects are wanted too: pipes, unnamed sockets.</summary>
    public bool All => _filter.All;

    /// <summary>Whether named pipes outside the runtime folder can be wanted.</summary>
    public bool WantsPaths => _filter.WantsPaths;

    /// <summary>Whether objects can be wanted that no process holds.</summary>
    public bool WantsUnheld => _wanted is null;

    /// <summary>Whether objects of a mechanism can be wanted.</summary>
    public bool Wants(IpcScheme scheme) => _filter.Wants(scheme);

    /// <summary>Whether an object is wanted, as far as its address tells. This comes before everything that has to be read about
    /// it.</summary>
    public bool Wants(IpcAddress address, IpcAddress? channel = null) =>
        Wants(address.Scheme) && (_filter.Names is not { } names || IpcObjectInfo.IsNamed(address, channel, names));

    /// <summary>The brokers to look at: what the addresses of their objects begin with. The environment's, where no pattern names
    /// one.</summary>
    public IReadOnlyCollection<string> Brokers(IReadOnlyList<IpcScheme> schemes)
    {
        var words = schemes.Where(Wants).Select(static s => AddressParser.Word(s) + ":").ToList();
        var named = _filter.Patterns.Where(p => words.Exists(w => p.StartsWith(w, StringComparison.OrdinalIgnoreCase)))
            .Select(BrokerMechanism.ServerPart).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return named.Count > 0 ? named : words;
    }

    /// <summary>Whether a process of the filter holds a socket or an anonymous pipe.</summary>
    public bool IsHeldByWanted(string link) => _wanted is null || _wanted.HoldersOfLink(link).Count > 0;

    /// <summary>Whether a process of the filter holds a System V segment.</summary>
    public bool IsHeldByWanted(long sysVMemory) => _wanted is null || _wanted.HoldersOfSysVMemory(sysVMemory).Count > 0;

    /// <summary>Whether a path is that of a pipe or socket that .NET makes for each of its processes: for debuggers and diagnostics, and
    /// for its own named pipes. A listing has them only where anonymous objects are wanted, too.</summary>
    public static bool IsOfRuntime(string path)
    {
        var name = Path.GetFileName(path.AsSpan());
        foreach (var prefix in RuntimePrefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal)) return true;
        }
        return false;
    }

    /// <summary>What could not be seen.</summary>
    public IReadOnlyList<InventoryProblem> Problems => _problems;

    public void AddProblem(string topic, string? text)
    {
        if (text is null) return;
        var problem = new InventoryProblem(topic, text);
        if (!_problems.Contains(problem)) _problems.Add(problem);
    }

    /// <summary>The names of the files of one type in the runtime folder.</summary>
    public List<string> NamesInRuntimeFolder(uint type)
    {
        var names = RuntimeFolder.NamesIn(type, out var problem);
        AddProblem("runtime folder", problem);
        return names;
    }

    /// <summary>The System V objects of one mechanism.</summary>
    public IReadOnlyList<SysVRow> SysVRows(IpcScheme scheme)
    {
        var rows = SysVTable.Read(scheme, out var problem);
        AddProblem(scheme.ToString(), problem);
        return rows;
    }

    /// <summary>An object that is a file: its owner, mode, times and holders. It is stale where it is proven that no process has it open or
    /// mapped.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="path">Where the file is.</param>
    /// <param name="depth">Reads its depth or value.</param>
    /// <param name="size">Reads its size; null for the file's size.</param>
    /// <param name="unheld">Where no process holds it: whether it is stale all the same. Null where that is enough.</param>
    /// <param name="channel">Of a message: the channel that it was announced on.</param>
    /// <returns>Null where the file is gone, or is not a wanted object.</returns>
    public IpcObjectInfo? OfFile(IpcAddress address, string kind, string path, Func<long?>? depth = null, Func<long?>? size = null,
        Func<(bool Stale, string Reason)>? unheld = null, IpcAddress? channel = null)
    {
        if (!Wants(address, channel) || FileStatus.TryOf(path, followLinks: true) is not { } status) return null;
        // A queue can't be mapped.
        var canBeMapped = address.Scheme != IpcScheme.Mq;
        if (_wanted is not null && HoldersOf(_wanted, status, canBeMapped).Count == 0) return null;
        var holders = HoldersOf(Processes, status, canBeMapped);
        var (stale, reason) = EvaluateByHolders(path, holders, status);
        if (stale && unheld is not null) (stale, reason) = unheld();
        return new IpcObjectInfo
        {
            Address = address,
            Kind = kind,
            Owner = status.Owner,
            OwnerId = status.UserId,
            Group = status.Group,
            Mode = status.Mode,
            Size = size?.Invoke() ?? (status.IsType(Libc.S_IFREG) ? status.Size : null),
            Depth = depth?.Invoke(),
            // The time of the last change would be no substitute: even reading a queue's file changes it.
            Created = status.Created,
            Identity = status.Id,
            File = path,
            Channel = channel,
            LastUsed = status.Modified,
            Holders = holders,
            IsStale = stale,
            Reason = reason,
        };
    }

    /// <summary>The processes that have a file open or mapped; of a named pipe also those that wait to open it.</summary>
    public IReadOnlyList<IpcHolder> HoldersOf(in FileStatus status) => HoldersOf(Processes, status, canBeMapped: true);

    private static IReadOnlyList<IpcHolder> HoldersOf(ProcessScan processes, in FileStatus status, bool canBeMapped)
    {
        if (!status.IsType(Libc.S_IFIFO)) return processes.HoldersOf(status.Id, canBeMapped);
        var holders = processes.HoldersOf(status.Id, mapped: false);
        return processes.Openers.Of(status.Id) is { Count: > 0 } openers ? [.. holders, .. openers] : holders;
    }

    /// <summary>Whether no process holds a file, and how that is known. It must be proven: by the kernel's answer, or because every process
    /// was inspected.</summary>
    public (bool Stale, string Reason) EvaluateByHolders(string path, IReadOnlyList<IpcHolder> holders, in FileStatus status)
    {
        if (holders.Count > 0) return (false, $"held by {string.Join(", ", holders)}");
        if (status.IsType(Libc.S_IFREG) && LeaseProbe.IsInUse(path) is { } inUse)
        {
            return inUse ? (false, "in use by a process that can't be seen: the kernel grants no lease on it")
                : (true, "no process has it open or mapped: the kernel grants a lease on it");
        }
        var isPipe = status.IsType(Libc.S_IFIFO);
        if (isPipe && Processes.Openers.Unknown is { Count: > 0 } unknown)
            return (false, $"not proven: {string.Join(", ", unknown)} may be waiting to open it");
        if (Processes.SawAll) return (true, isPipe ? "no process has it open, or waits to open it" : "no process has it open or mapped");
        // The probe wakes an unseen process that waits to open the pipe. So it is made only where no other user can use the pipe.
        var othersMayUse = (status.Mode & ForOthers) != 0 && !path.StartsWith(RuntimeFolder.Path + "/", StringComparison.Ordinal);
        if (isPipe && status.UserId == Libc.geteuid() && !othersMayUse && PipeProbe.IsOpen(path) is { } isOpen)
        {
            return isOpen ? (false, "open in a process that can't be seen")
                : (true, "no process has it open: the kernel finds neither reader nor writer");
        }
        return (false, $"not proven: {Processes.Describe()}");
    }

    /// <summary>Whether an object without holders is stale by the kernel's records: every process known to have used it has
    /// ended.</summary>
    /// <param name="users">The processes that are recorded to have used it; 0 for none.</param>
    public (bool Stale, string Reason) EvaluateByUsers(params ReadOnlySpan<int> users)
    {
        var known = 0;
        foreach (var id in users)
        {
            if (id == 0) continue;
            known++;
            if (Processes.IsAlive(id)) return (false, $"last used by {Processes.NameOf(id)}({id}), which runs");
        }
        if (known == 0) return (false, "not proven: no process is recorded to have used it");
        if (Processes.HidesProcesses) return (false, $"not proven: {Processes.Describe()}");
        var ended = string.Join(", ", users.ToArray().Where(static u => u != 0).Distinct());
        return (true, $"every process that is recorded to have used it has ended ({ended})");
    }
}
