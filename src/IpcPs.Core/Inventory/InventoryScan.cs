using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Inventory;

/// <summary>One listing: the processes that every mechanism looks at, and a place for what could not be seen.</summary>
internal sealed class InventoryScan
{
    private const UnixFileMode ForOthers = (UnixFileMode)0x3F;

    private static readonly string[] RuntimePrefixes = ["dotnet-diagnostic-", "clr-debug-pipe-", "CoreFxPipe_"];

    private readonly Lazy<ProcessScan> _processes = new(ProcessScan.Run);
    private readonly List<InventoryProblem> _problems = [];

    /// <summary>The processes and what they have open.</summary>
    public ProcessScan Processes => _processes.Value;

    /// <summary>Whether anonymous objects are wanted too: pipes, unnamed sockets.</summary>
    public bool All { get; init; }

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
    /// <param name="depth">Its depth or value, where that is known.</param>
    /// <param name="size">Its size; null for the file's size.</param>
    /// <param name="unheld">Where no process holds it: whether it is stale all the same. Null where that is enough.</param>
    /// <param name="channel">Of a message: the channel that it was announced on.</param>
    /// <returns>Null where the file is gone.</returns>
    public IpcObjectInfo? OfFile(IpcAddress address, string kind, string path, long? depth = null, long? size = null,
        Func<(bool Stale, string Reason)>? unheld = null, IpcAddress? channel = null)
    {
        if (FileStatus.TryOf(path, followLinks: true) is not { } status) return null;
        var holders = HoldersOf(status);
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
            Size = size ?? (status.IsType(Libc.S_IFREG) ? status.Size : null),
            Depth = depth,
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
    public IReadOnlyList<IpcHolder> HoldersOf(in FileStatus status)
    {
        var holders = Processes.HoldersOf(status.Id);
        if (!status.IsType(Libc.S_IFIFO)) return holders;
        return Processes.Openers.Of(status.Id) is { Count: > 0 } openers ? [.. holders, .. openers] : holders;
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
