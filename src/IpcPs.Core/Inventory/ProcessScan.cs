using System.Globalization;
using IpcPs.Files;
using IpcPs.Proc;
using IpcPs.Processes;

namespace IpcPs.Inventory;

/// <summary>One pass over /proc: what each process has open and mapped (proc(5)). A listing makes it once, for all mechanisms.</summary>
internal sealed class ProcessScan
{
    // The first PID namespace, PROC_PID_INIT_INO: a process in it sees the processes of all namespaces.
    private const string FirstNamespace = "pid:[4026531836]";

    private readonly Dictionary<FileId, List<IpcHolder>> _files = [];
    private readonly Dictionary<string, List<IpcHolder>> _links = new(StringComparer.Ordinal);
    private readonly Dictionary<long, List<IpcHolder>> _sysVMemory = [];
    private readonly Dictionary<int, string> _names = [];
    private readonly Lazy<PipeOpeners> _openers;
    private byte[] _buffer = new byte[16 * 1024];

    private ProcessScan() => _openers = new Lazy<PipeOpeners>(() => PipeOpeners.Find(_names));

    /// <summary>A descriptor of a process, with the target of its link.</summary>
    internal readonly record struct OpenDescriptor(int ProcessId, int Number, string Link)
    {
        /// <summary>Which file it is, where that has a path.</summary>
        public FileId? File { get; init; }

        /// <summary>Leads to the open file.</summary>
        public string Path => ProcFile.Descriptor(ProcessId, Number);
    }

    /// <summary>Every descriptor that is not an ordinary file or a device.</summary>
    public List<OpenDescriptor> Descriptors { get; } = [];

    /// <summary>The processes that this user may not inspect.</summary>
    public List<int> Unseen { get; } = [];

    /// <summary>Whether /proc shows a user only that user's processes (hidepid, proc(5)).</summary>
    public bool HidesProcesses { get; private init; }

    /// <summary>Whether there can be processes outside this PID namespace, which its /proc does not show (pid_namespaces(7)).</summary>
    public bool IsInNamespace { get; private init; }

    /// <summary>Whether everything that any process holds was seen.</summary>
    public bool SawAll => Unseen.Count == 0 && !HidesProcesses && !IsInNamespace;

    /// <summary>Threads that wait in open(2) for the other side of a named pipe: they have no descriptor yet.</summary>
    public PipeOpeners Openers => _openers.Value;

    public static ProcessScan Run()
    {
        var scan = new ProcessScan
        {
            HidesProcesses = !Directory.Exists(ProcFile.Process(1)),
            IsInNamespace = ProcFile.ReadLink(ProcFile.Self + "/ns/pid") != FirstNamespace,
        };
        foreach (var id in ProcFile.Processes()) scan.Inspect(id);
        return scan;
    }

    /// <summary>The processes that run.</summary>
    public IEnumerable<int> Ids => _names.Keys;

    /// <summary>Whether it runs; false for a zombie.</summary>
    public bool IsAlive(int processId) => _names.ContainsKey(processId);

    public string NameOf(int processId) => _names.TryGetValue(processId, out var name) ? name : "?";

    public IReadOnlyList<IpcHolder> HoldersOf(FileId file) => _files.TryGetValue(file, out var holders) ? holders : [];

    public IReadOnlyList<IpcHolder> HoldersOfLink(string link) => _links.TryGetValue(link, out var holders) ? holders : [];

    public IReadOnlyList<IpcHolder> HoldersOfSysVMemory(long id) => _sysVMemory.TryGetValue(id, out var holders) ? holders : [];

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

    private void Inspect(int id)
    {
        var folder = ProcFile.Process(id);
        var read = ProcFile.Read(folder + "/stat", ref _buffer);
        if (read <= 0) return;
        var process = ProcessStat.Parse(_buffer.AsSpan(0, read));
        if (process.HasEnded) return;
        _names[id] = process.Name ?? "?";
        if (process.IsKernelThread) return;
        try
        {
            // Any thread shows the process's descriptors and mappings, except one that has ended.
            var thread = process.HasFirstThreadEnded ? LivingThread(id) ?? folder : folder;
            InspectDescriptors(id, thread);
            InspectMappings(id, thread);
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

    private string? LivingThread(int processId)
    {
        foreach (var id in ProcFile.Numbers(ProcFile.Threads(processId)))
        {
            var thread = ProcFile.Thread(processId, id);
            var read = ProcFile.Read(thread + "/stat", ref _buffer);
            if (read > 0 && !ProcessStat.Parse(_buffer.AsSpan(0, read)).HasFirstThreadEnded) return thread;
        }
        return null;
    }

    private void InspectDescriptors(int id, string folder)
    {
        foreach (var number in ProcFile.Numbers(folder + "/fd"))
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{folder}/fd/{number}");
            if (ProcFile.ReadLink(path) is not { } link) continue;
            FileId? file = null;
            if (link.StartsWith('/'))
            {
                // Most descriptors are devices, which are not IPC objects.
                if (IsIn(link, "/dev/") && !IsIn(link, "/dev/shm/") && !IsIn(link, "/dev/mqueue/")) continue;
                if (FileStatus.TryOf(path, followLinks: true) is not { } status) continue;
                file = status.Id;
                Add(_files, status.Id, id, "open");
                // An ordinary file. A queue's link has one slash only.
                if (status.IsType(Libc.S_IFREG) && !IsIn(link, "/memfd:") && !IsIn(link, "/dev/") && link.LastIndexOf('/') > 0) continue;
            }
            else
            {
                // An event, a timer, an inotify instance: no other process can open it.
                if (IsIn(link, "anon_inode:")) continue;
                Add(_links, link, id, "open");
            }
            Descriptors.Add(new OpenDescriptor(id, number, link) { File = file });
        }

        static bool IsIn(string link, string start) => link.StartsWith(start, StringComparison.Ordinal);
    }

    private void InspectMappings(int id, string folder)
    {
        var read = ProcFile.Read(folder + "/maps", ref _buffer);
        if (read == -Errno.EACCES) throw new UnauthorizedAccessException();
        ReadOnlySpan<byte> maps = _buffer.AsSpan(0, Math.Max(read, 0));
        while (Mapping.TryNext(ref maps, out var mapping))
        {
            if (mapping.IsSysV) Add(_sysVMemory, (long)mapping.File.Inode, id, "mapped");
            else Add(_files, mapping.File, id, "mapped");
        }
    }

    private void Add<TKey>(Dictionary<TKey, List<IpcHolder>> to, TKey key, int id, string how)
        where TKey : notnull
    {
        if (!to.TryGetValue(key, out var holders)) to[key] = holders = [];
        // Each process once, even with several descriptors and mappings.
        if (holders.Count == 0 || holders[^1].ProcessId != id) holders.Add(new IpcHolder(id, _names[id], how));
    }
}
