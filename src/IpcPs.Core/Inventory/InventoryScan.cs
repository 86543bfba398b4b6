using IpcPs.Files;

namespace IpcPs.Inventory;

/// <summary>What a mechanism is given to list its objects: the processes, and where to put what it could not see.</summary>
internal sealed class InventoryScan
{
    private readonly Lazy<ProcessScan> _processes = new(ProcessScan.Run);
    private readonly List<InventoryProblem> _problems = [];

    /// <summary>The processes and what they have open.</summary>
    public ProcessScan Processes => _processes.Value;

    /// <summary>Whether anonymous objects are wanted too: pipes, unnamed sockets.</summary>
    public bool All { get; init; }

    /// <summary>What could not be seen.</summary>
    public IReadOnlyList<InventoryProblem> Problems => _problems;

    public void Missed(string topic, string text) => _problems.Add(new InventoryProblem(topic, text));

    /// <summary>An object that is a file: its owner, mode, times, holders; stale where it is proven that no process has it open or mapped.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="path">Where the file is.</param>
    /// <param name="depth">Its depth or value, where that is known.</param>
    /// <param name="size">Its size; null to take the file's.</param>
    /// <param name="unheld">Asked, where no process holds it, whether it is stale all the same; null where that is enough.</param>
    /// <param name="channel">Of a message: the channel that it was announced on.</param>
    /// <returns>Null where the file is gone.</returns>
    public IpcObjectInfo? OfFile(IpcAddress address, string kind, string path, long? depth = null, long? size = null, Func<(bool Stale, string Reason)>? unheld = null, IpcAddress? channel = null)
    {
        if (FileId.OfPath(path, out var stat) is not { } file) return null;
        var holders = HoldersOf(file, stat);
        var (stale, reason) = JudgeByHolders(path, holders, stat);
        if (stale && unheld is not null) (stale, reason) = unheld();
        return new IpcObjectInfo
        {
            Address = address,
            Kind = kind,
            Owner = Accounts.UserName(stat.UserId),
            OwnerId = stat.UserId,
            Group = Accounts.GroupName(stat.GroupId),
            Mode = (UnixFileMode)(stat.Mode & 0x1FF),
            Size = size ?? (stat.IsType(Libc.S_IFREG) ? (long)stat.Size : null),
            Depth = depth,
            // Not every file system records it; the time of the last change is no substitute, even reading a queue's file changes it.
            Created = (stat.Mask & Libc.STATX_BTIME) != 0 ? stat.BirthTime.ToLocalTime() : null,
            Identity = file,
            File = path,
            Channel = channel,
            LastUsed = stat.ModifyTime.ToLocalTime(),
            Holders = holders,
            IsStale = stale,
            Reason = reason,
        };
    }

    /// <summary>Who has a file open or mapped; of a named pipe also who waits to open it.</summary>
    public IReadOnlyList<IpcHolder> HoldersOf(FileId file, in Libc.Statx stat)
    {
        var holders = Processes.HoldersOf(file);
        return stat.IsType(Libc.S_IFIFO) && Processes.Openers.Of(file) is { Count: > 0 } openers ? [.. holders, .. openers] : holders;
    }

    /// <summary>Whether nobody holds a file, and how that is known. Only what is proven counts: by the kernel's answer, or because every process was looked into.</summary>
    public (bool Stale, string Reason) JudgeByHolders(string path, IReadOnlyList<IpcHolder> holders, in Libc.Statx stat)
    {
        if (holders.Count > 0) return (false, $"held by {string.Join(", ", holders)}");
        if (stat.IsType(Libc.S_IFREG) && LeaseProbe.IsInUse(path) is { } inUse)
            return inUse ? (false, "in use by a process that can't be seen: the kernel grants no lease on it") : (true, "no process has it open or mapped: the kernel grants a lease on it");
        if (stat.IsType(Libc.S_IFIFO) && Processes.Openers.Unknown is { Count: > 0 } unknown)
            return (false, $"not proven: {string.Join(", ", unknown)} may be waiting to open it");
        if (Processes.SawAll) return (true, stat.IsType(Libc.S_IFIFO) ? "no process has it open, or waits to open it" : "no process has it open or mapped");
        // Asked only where no other user is meant to use it: who waits to open it in a process that can't be seen is woken by the question.
        var othersMay = (stat.Mode & 0x3F) != 0 && !path.StartsWith(RuntimeFolder.Path + "/", StringComparison.Ordinal);
        if (stat.IsType(Libc.S_IFIFO) && stat.UserId == Libc.geteuid() && !othersMay && PipeProbe.IsOpen(path) is { } isOpen)
            return isOpen ? (false, "open in a process that can't be seen") : (true, "no process has it open: the kernel finds neither reader nor writer");
        return (false, $"not proven: {Processes.Describe()}");
    }

    /// <summary>Whether an object without holders that the kernel records is stale: every process known to have used it has ended.</summary>
    /// <param name="users">The processes that are recorded to have used it; 0 for none.</param>
    public (bool Stale, string Reason) JudgeByUsers(params ReadOnlySpan<int> users)
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
        return (true, $"every process that is recorded to have used it has ended ({string.Join(", ", users.ToArray().Where(static u => u != 0).Distinct())})");
    }
}
