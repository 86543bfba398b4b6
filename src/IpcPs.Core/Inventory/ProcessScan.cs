using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Proc;
using IpcPs.Processes;

namespace IpcPs.Inventory;

/// <summary>What the processes have open and mapped (proc(5)). A listing makes one, for all mechanisms. Each part is read when it is asked
/// for: the processes and their names, the links of their descriptors, the files that these lead to, and the mappings.</summary>
internal sealed class ProcessScan
{
    // The first PID namespace, PROC_PID_INIT_INO: a process in it sees the processes of all namespaces.
    private const string FirstNamespace = "pid:[4026531836]";

    private readonly IReadOnlyCollection<int>? _only;
    private readonly Lazy<Table> _table;
    private readonly Lazy<Links> _links;
    private readonly Lazy<Files> _files;
    private readonly Lazy<Mappings> _mappings;
    private readonly Lazy<PipeOpeners> _openers;
    private readonly Dictionary<int, string?> _users = [];
    private byte[] _buffer = new byte[16 * 1024];

    /// <summary>Reads nothing yet.</summary>
    /// <param name="only">Looks only at these processes; null for all.</param>
    public ProcessScan(IReadOnlyCollection<int>? only = null)
    {
        _only = only;
        // With hidepid=1 the folder is shown, and what is in it can't be read.
        HidesProcesses = ProcFile.Read(ProcFile.Process(1) + "/stat", ref _buffer) <= 0;
        IsInNamespace = ProcFile.ReadLink(ProcFile.Self + "/ns/pid") != FirstNamespace;
        _table = new(ReadTable);
        _links = new(ReadLinks);
        _files = new(ReadFiles);
        _mappings = new(ReadMappings);
        _openers = new(() => PipeOpeners.Find(_table.Value.Names));
    }

    /// <summary>A descriptor of a process, with the target of its link.</summary>
    internal readonly record struct OpenDescriptor(int ProcessId, int Number, string Link)
    {
        /// <summary>Which file it is, where that has a path.</summary>
        public FileId? File { get; init; }

        /// <summary>Leads to the open file.</summary>
        public string Path => ProcFile.Descriptor(ProcessId, Number);
    }

    /// <summary>Every descriptor that is not an ordinary file or a device.</summary>
    public List<OpenDescriptor> Descriptors => _files.Value.Descriptors;

    /// <summary>The descriptors of sockets and anonymous pipes.</summary>
    public IEnumerable<OpenDescriptor> Unnamed =>
        _links.Value.Descriptors.Where(static d => d.File is null).Select(static d => new OpenDescriptor(d.ProcessId, d.Number, d.Link));

    /// <summary>The processes that this user may not inspect, as far as their descriptors or mappings were asked for.</summary>
    public SortedSet<int> Unseen { get; } = [];

    /// <summary>Whether the holders of anything were asked for.</summary>
    public bool HasLookedForHolders => _links.IsValueCreated || _mappings.IsValueCreated;

    /// <summary>Whether /proc shows a user only that user's processes (hidepid, proc(5)).</summary>
    public bool HidesProcesses { get; }

    /// <summary>Whether there can be processes outside this PID namespace, which its /proc does not show (pid_namespaces(7)).</summary>
    public bool IsInNamespace { get; }

    /// <summary>Whether everything was seen that any process holds, of what was asked for.</summary>
    public bool SawAll => Unseen.Count == 0 && !HidesProcesses && !IsInNamespace;

    /// <summary>Threads that wait in open(2) for the other side of a named pipe: they have no descriptor yet.</summary>
    public PipeOpeners Openers => _openers.Value;

    /// <summary>The processes that run.</summary>
    public IEnumerable<int> Ids => _table.Value.Names.Keys;

    /// <summary>Whether it runs; false for a zombie.</summary>
    public bool IsAlive(int processId) => User(processId) is not null;

    public string NameOf(int processId) => User(processId) ?? "?";

    /// <summary>The processes that have a file open; with <paramref name="mapped"/> also those that have it mapped.</summary>
    public IReadOnlyList<IpcHolder> HoldersOf(FileId file, bool mapped = true)
    {
        var open = _files.Value.Holders.GetValueOrDefault(file);
        var all = mapped ? _mappings.Value.Holders.GetValueOrDefault(file) : null;
        if (open is null || all is null) return open ?? all ?? [];
        // Each process once, in the order of the table.
        var others = all.Where(m => !open.Exists(o => o.ProcessId == m.ProcessId));
        return [.. open.Concat(others).OrderBy(h => _table.Value.Order[h.ProcessId])];
    }

    public IReadOnlyList<IpcHolder> HoldersOfLink(string link) => _links.Value.Holders.TryGetValue(link, out var holders) ? holders : [];

    public IReadOnlyList<IpcHolder> HoldersOfSysVMemory(long id) =>
        _mappings.Value.SysV.TryGetValue(id, out var holders) ? holders : [];

    /// <summary>Looks at the descriptors of every process, so that <see cref="Unseen"/> has all that can't be inspected.</summary>
    public void LookAtAll() => _ = _links.Value;

    /// <summary>What can't be seen, in words; null where everything is.</summary>
    public string? Describe() =>
        HidesProcesses ? "this user can't see other users' processes (/proc is mounted with hidepid)"
        : Unseen.Count == 1 ? $"this user may not inspect the process {DescribeUnseen()}"
        : Unseen.Count > 1 ? string.Create(CultureInfo.InvariantCulture,
            $"this user may not inspect {Unseen.Count} processes: {DescribeUnseen()}")
        : IsInNamespace ? "processes outside this PID namespace can't be seen"
        : null;

    // The owner says why: the kernel shows what a process holds to the user that owns it, and to root with CAP_SYS_PTRACE
    // (ptrace(2)). It gives a process that has changed its rights to root.
    private string DescribeUnseen()
    {
        const int Named = 3;
        var names = Unseen.Take(Named).Select(id =>
            string.Create(CultureInfo.InvariantCulture, $"{NameOf(id)}({id}) of {ProcessTable.StatusOf(id)?.Owner ?? "another user"}"));
        var rest = Unseen.Count - Named;
        return string.Join(", ", names) + (rest > 0 ? string.Create(CultureInfo.InvariantCulture, $" and {rest} more") : "");
    }

    // One process that the kernel recorded as a user of an object: that needs no look at the others.
    private string? User(int processId)
    {
        if (_table.IsValueCreated && _table.Value.Names.TryGetValue(processId, out var name)) return name;
        if (_users.TryGetValue(processId, out name)) return name;
        return _users[processId] = Stat(processId) is { HasEnded: false } process ? process.Name ?? "?" : null;
    }

    private ProcessStat? Stat(int processId)
    {
        var read = ProcFile.Read(ProcFile.Process(processId) + "/stat", ref _buffer);
        return read > 0 ? ProcessStat.Parse(_buffer.AsSpan(0, read)) : null;
    }

    private Table ReadTable()
    {
        var table = new Table();
        foreach (var id in _only ?? ProcFile.Processes())
        {
            if (Stat(id) is not { HasEnded: false } process || !table.Names.TryAdd(id, process.Name ?? "?")) continue;
            table.Order[id] = table.Order.Count;
            if (process.IsKernelThread) continue;
            // Any thread shows the process's descriptors and mappings, except one that has ended.
            var folder = ProcFile.Process(id);
            table.Folders.Add((id, process.HasFirstThreadEnded ? LivingThread(id) ?? folder : folder));
        }
        return table;
    }

    private string? LivingThread(int processId)
    {
        try
        {
            foreach (var id in ProcFile.Numbers(ProcFile.Threads(processId)))
            {
                var thread = ProcFile.Thread(processId, id);
                var read = ProcFile.Read(thread + "/stat", ref _buffer);
                if (read > 0 && !ProcessStat.Parse(_buffer.AsSpan(0, read)).HasFirstThreadEnded) return thread;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile.
        }
        return null;
    }

    private void Each(Action<int, string> inspect)
    {
        foreach (var (id, folder) in _table.Value.Folders)
        {
            // Some kernels show the mappings of a process whose descriptors they hide. It is said that it can't be inspected: all of it.
            if (Unseen.Contains(id)) continue;
            try
            {
                inspect(id, folder);
            }
            catch (UnauthorizedAccessException)
            {
                Unseen.Add(id);
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }
        }
    }

    private Links ReadLinks()
    {
        var links = new Links();
        Each((id, folder) =>
        {
            foreach (var number in ProcFile.Numbers(folder + "/fd"))
            {
                var path = string.Create(CultureInfo.InvariantCulture, $"{folder}/fd/{number}");
                if (ProcFile.ReadLink(path) is not { } link)
                {
                    // The kernel lists the descriptors of a process to its user also where it hides what they are: its rights have changed.
                    if (Marshal.GetLastPInvokeError() == Errno.EACCES) throw new UnauthorizedAccessException();
                    continue;
                }
                // Most descriptors are devices, which are not IPC objects; or an event, a timer, an inotify instance, which no other
                // process can open.
                if (IsIn(link, "/dev/") ? !IsIn(link, "/dev/shm/") && !IsIn(link, "/dev/mqueue/") : IsIn(link, "anon_inode:")) continue;
                var isFile = link.StartsWith('/');
                if (!isFile) Add(links.Holders, link, id, "open");
                links.Descriptors.Add((id, number, link, isFile ? path : null));
            }
        });
        return links;
    }

    private Files ReadFiles()
    {
        var files = new Files();
        foreach (var (id, number, link, path) in _links.Value.Descriptors)
        {
            FileId? file = null;
            if (path is not null)
            {
                if (FileStatus.TryOf(path, followLinks: true) is not { } status)
                {
                    // Some file systems refuse it. A process whose rights have changed since its links were read may hold anything.
                    if (ProcFile.ReadLink(path) is null && Marshal.GetLastPInvokeError() == Errno.EACCES) Unseen.Add(id);
                    continue;
                }
                file = status.Id;
                Add(files.Holders, status.Id, id, "open");
                // An ordinary file. A queue's link has one slash only.
                if (status.IsType(Libc.S_IFREG) && !IsIn(link, "/memfd:") && !IsIn(link, "/dev/") && link.LastIndexOf('/') > 0) continue;
            }
            files.Descriptors.Add(new OpenDescriptor(id, number, link) { File = file });
        }
        return files;
    }

    private Mappings ReadMappings()
    {
        var found = new Mappings();
        Each((id, folder) =>
        {
            var read = ProcFile.Read(folder + "/maps", ref _buffer);
            if (read == -Errno.EACCES) throw new UnauthorizedAccessException();
            ReadOnlySpan<byte> maps = _buffer.AsSpan(0, Math.Max(read, 0));
            while (Mapping.TryNext(ref maps, out var mapping))
            {
                if (mapping.IsSysV) Add(found.SysV, (long)mapping.File.Inode, id, "mapped");
                else Add(found.Holders, mapping.File, id, "mapped");
            }
        });
        return found;
    }

    private static bool IsIn(string link, string start) => link.StartsWith(start, StringComparison.Ordinal);

    private void Add<TKey>(Dictionary<TKey, List<IpcHolder>> to, TKey key, int id, string how)
        where TKey : notnull
    {
        if (!to.TryGetValue(key, out var holders)) to[key] = holders = [];
        // Each process once, even with several descriptors and mappings.
        if (holders.Count == 0 || holders[^1].ProcessId != id) holders.Add(new IpcHolder(id, _table.Value.Names[id], how));
    }

    private sealed class Table
    {
        public Dictionary<int, string> Names { get; } = [];

        public Dictionary<int, int> Order { get; } = [];

        public List<(int Id, string Folder)> Folders { get; } = [];
    }

    private sealed class Links
    {
        /// <summary>With the path that leads to the open file, where it is one.</summary>
        public List<(int ProcessId, int Number, string Link, string? File)> Descriptors { get; } = [];

        public Dictionary<string, List<IpcHolder>> Holders { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Files
    {
        public List<OpenDescriptor> Descriptors { get; } = [];

        public Dictionary<FileId, List<IpcHolder>> Holders { get; } = [];
    }

    private sealed class Mappings
    {
        public Dictionary<FileId, List<IpcHolder>> Holders { get; } = [];

        public Dictionary<long, List<IpcHolder>> SysV { get; } = [];
    }
}
