using System.Globalization;
using System.IO.Enumeration;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Inventory;

/// <summary>One pass over /proc: which process has what open and mapped (proc(5)). Made once a listing, whatever the mechanisms.</summary>
internal sealed class ProcessScan
{
    // The inode of the first PID namespace, PROC_PID_INIT_INO: whoever is in it sees the processes of all others too.
    private const string FirstNamespace = "pid:[4026531836]";

    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false, ReturnSpecialDirectories = false };

    private readonly Dictionary<FileId, List<IpcHolder>> _files = [];
    private readonly Dictionary<string, List<IpcHolder>> _links = new(StringComparer.Ordinal);
    private readonly Dictionary<long, List<IpcHolder>> _sysVMemory = [];
    private readonly Dictionary<int, string> _names = [];
    private readonly Lazy<PipeOpeners> _openers;
    private byte[] _buffer = new byte[16 * 1024];

    private ProcessScan() => _openers = new Lazy<PipeOpeners>(() => PipeOpeners.Find(_names));

    /// <summary>A descriptor of a process, with what its link says.</summary>
    internal readonly record struct OpenDescriptor(int ProcessId, int Number, string Link);

    /// <summary>Every descriptor whose link names an object rather than an ordinary file.</summary>
    public List<OpenDescriptor> Descriptors { get; } = [];

    /// <summary>Processes that this user may not look into.</summary>
    public int Unseen { get; private set; }

    /// <summary>Whether this /proc shows a user only his own processes (hidepid, proc(5)).</summary>
    public bool HidesProcesses { get; private init; }

    /// <summary>Whether there can be processes outside of this PID namespace, which no /proc here shows (pid_namespaces(7)).</summary>
    public bool IsInNamespace { get; private init; }

    /// <summary>Whether no process could hold something unseen.</summary>
    public bool SawAll => Unseen == 0 && !HidesProcesses && !IsInNamespace;

    /// <summary>Threads that wait in open(2) for the other side of a named pipe: they have no descriptor yet.</summary>
    public PipeOpeners Openers => _openers.Value;

    public static ProcessScan Run()
    {
        var scan = new ProcessScan { HidesProcesses = !Directory.Exists("/proc/1"), IsInNamespace = ProcFile.ReadLink("/proc/self/ns/pid") != FirstNamespace };
        foreach (var id in Numbers("/proc")) scan.Look(id);
        return scan;
    }

    /// <summary>Whether it runs; one that has ended and was not yet waited for does not.</summary>
    public bool IsAlive(int processId) => _names.ContainsKey(processId);

    public string NameOf(int processId) => _names.TryGetValue(processId, out var name) ? name : "?";

    public IReadOnlyList<IpcHolder> HoldersOf(FileId file) => _files.TryGetValue(file, out var holders) ? holders : [];

    public IReadOnlyList<IpcHolder> HoldersOfLink(string link) => _links.TryGetValue(link, out var holders) ? holders : [];

    public IReadOnlyList<IpcHolder> HoldersOfSysVMemory(long id) => _sysVMemory.TryGetValue(id, out var holders) ? holders : [];

    /// <summary>What can't be known for lack of permission, in words; null where all is known.</summary>
    public string? Describe() =>
        HidesProcesses ? "processes of other users are hidden (/proc is mounted with hidepid)"
        : Unseen > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Unseen} {(Unseen == 1 ? "process" : "processes")} can't be looked into")
        : IsInNamespace ? "processes outside of this PID namespace can't be seen"
        : null;

    /// <summary>The numbers that a folder has entries for: processes, threads, descriptors.</summary>
    internal static IEnumerable<int> Numbers(string folder) =>
        new FileSystemEnumerable<int>(folder, static (ref FileSystemEntry entry) => int.TryParse(entry.FileName, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1, Everything)
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) => char.IsAsciiDigit(entry.FileName[0]),
        };

    private void Look(int id)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{id}");
        var read = ProcFile.Read(folder + "/stat", ref _buffer);
        if (read <= 0) return;
        var process = ProcessFacts.Parse(_buffer.AsSpan(0, read));
        if (process.HasEnded) return;
        _names[id] = process.Name ?? "?";
        if (process.IsKernelThread) return;
        try
        {
            // What a process has is found by any of its threads, though not by one that is over.
            var thread = process.IsFirstThreadOver ? LivingThread(folder) ?? folder : folder;
            LookAtDescriptors(id, thread);
            LookAtMappings(id, thread);
        }
        catch (UnauthorizedAccessException)
        {
            Unseen++;
        }
        catch (IOException)
        {
            // It ended while it was looked at.
        }
    }

    private string? LivingThread(string folder)
    {
        foreach (var id in Numbers(folder + "/task"))
        {
            var thread = string.Create(CultureInfo.InvariantCulture, $"{folder}/task/{id}");
            var read = ProcFile.Read(thread + "/stat", ref _buffer);
            if (read > 0 && !ProcessFacts.Parse(_buffer.AsSpan(0, read)).IsFirstThreadOver) return thread;
        }
        return null;
    }

    private void LookAtDescriptors(int id, string folder)
    {
        foreach (var number in Numbers(folder + "/fd"))
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{folder}/fd/{number}");
            if (ProcFile.ReadLink(path) is not { } link) continue;
            if (link.StartsWith('/'))
            {
                // A device is nobody's IPC object, and most descriptors are one.
                if (link.StartsWith("/dev/", StringComparison.Ordinal) && !link.StartsWith("/dev/shm/", StringComparison.Ordinal) && !link.StartsWith("/dev/mqueue/", StringComparison.Ordinal)) continue;
                if (FileId.OfPath(path, out var stat) is not { } file) continue;
                Add(_files, file, id, "open");
                if (stat.IsType(Libc.S_IFREG) && !link.StartsWith("/memfd:", StringComparison.Ordinal) && !link.StartsWith("/dev/", StringComparison.Ordinal) && link.LastIndexOf('/') > 0) continue;
            }
            else
            {
                // An event, a timer, an inotify: nobody else can have it by a name.
                if (link.StartsWith("anon_inode:", StringComparison.Ordinal)) continue;
                Add(_links, link, id, "open");
            }
            Descriptors.Add(new OpenDescriptor(id, number, link));
        }
    }

    private void LookAtMappings(int id, string folder)
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
        // Once a process, however many descriptors and mappings it has of it.
        if (holders.Count == 0 || holders[^1].ProcessId != id) holders.Add(new IpcHolder(id, _names[id], how));
    }
}
