using IpcPs.Proc;
using IpcPs.Queues;

namespace IpcPs.Inventory;

/// <summary>A limit of the kernel on IPC, and how much of it is in use now.</summary>
/// <param name="Name">The kernel's name: a sysctl, a resource limit, a file system.</param>
/// <param name="Value">The limit.</param>
/// <param name="InUse">How much is in use; null where the kernel does not tell.</param>
/// <param name="Unit">The unit of both: "bytes", "queues", "messages".</param>
/// <param name="Meaning">What it limits.</param>
/// <param name="Raise">The command that raises it.</param>
public sealed record IpcLimit(string Name, long Value, long? InUse, string Unit, string Meaning, string Raise)
{
    /// <summary>Whether there is no limit: "unlimited", a number so large that it means that, or fs.pipe-user-pages-hard at 0.</summary>
    public bool IsUnlimited =>
        Value >= long.MaxValue / 4096 || (Value == 0 && Name.StartsWith("fs.pipe-user-pages", StringComparison.Ordinal));

    /// <summary>How much is in use, in percent; null where that is not known or there is no limit.</summary>
    public double? PercentUsed => InUse is { } used && Value > 0 && !IsUnlimited ? 100.0 * used / Value : null;

    /// <summary>The percentage as a bar of ten characters.</summary>
    public string Bar
    {
        get
        {
            if (PercentUsed is not { } percent) return "";
            var full = (int)Math.Clamp(Math.Ceiling(percent / 10), 0, 10);
            return new string('\u2588', full) + new string('\u2591', 10 - full);
        }
    }
}

/// <summary>The kernel's limits on IPC (sysvipc(7), mq_overview(7), pipe(7), getrlimit(2)).</summary>
public static class IpcLimits
{
    private static readonly long PageSize = Environment.SystemPageSize;

    /// <summary>All limits that this machine has; one that can't be read is left out.</summary>
    public static IReadOnlyList<IpcLimit> List()
    {
        var limits = new List<IpcLimit>();
        Setting(limits, "kernel.msgmni", "queues", "System V message queues", Rows(IpcScheme.SysVMq));
        Setting(limits, "kernel.msgmax", "bytes", "one System V message");
        Setting(limits, "kernel.msgmnb", "bytes", "what waits in a new System V queue");
        Setting(limits, "kernel.shmmni", "segments", "System V segments", Rows(IpcScheme.SysVShm));
        Setting(limits, "kernel.shmmax", "bytes", "one System V segment");
        Setting(limits, "kernel.shmall", "pages", "all System V segments",
            Sum(IpcScheme.SysVShm, static r => (r["size"] + PageSize - 1) / PageSize));
        Semaphores(limits);
        Setting(limits, "fs.mqueue.queues_max", "queues", "POSIX message queues", PosixQueues());
        Setting(limits, "fs.mqueue.msg_max", "messages", "messages in a POSIX queue, without privilege");
        Setting(limits, "fs.mqueue.msgsize_max", "bytes", "one message of a POSIX queue, without privilege");
        Setting(limits, "fs.mqueue.msg_default", "messages", "messages in a POSIX queue, if its creator does not say");
        Setting(limits, "fs.mqueue.msgsize_default", "bytes", "one message of a POSIX queue, if its creator does not say");
        Setting(limits, "fs.pipe-max-size", "bytes", "capacity of a pipe, without privilege");
        Setting(limits, "fs.pipe-user-pages-soft", "pages", "all pipes of a user, before new ones get one page");
        Setting(limits, "fs.pipe-user-pages-hard", "pages", "all pipes of a user (0: no limit)");
        Setting(limits, "net.unix.max_dgram_qlen", "datagrams", "what waits at a Unix datagram socket");
        Setting(limits, "net.core.somaxconn", "connections", "backlog of a listener");
        Setting(limits, "net.core.wmem_max", "bytes", "send buffer of a socket, and with it the largest datagram");
        Setting(limits, "fs.inotify.max_user_instances", "instances", "inotify instances of a user: waits for files and servers");
        Setting(limits, "fs.inotify.max_user_watches", "files", "files that a user watches");
        ResourceLimits(limits);
        SharedMemoryFolder(limits);
        return limits;
    }

    private static void Setting(List<IpcLimit> limits, string name, string unit, string meaning, long? inUse = null)
    {
        if (Sysctl.Read(name) is { } value) limits.Add(new IpcLimit(name, value, inUse, unit, meaning, $"sysctl {name}=N"));
    }

    // kernel.sem is four numbers: SEMMSL, SEMMNS, SEMOPM, SEMMNI.
    private static void Semaphores(List<IpcLimit> limits)
    {
        if (Sysctl.ReadText("kernel.sem")?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is not { Length: 4 } numbers) return;
        (string, string, string, long?)[] parts =
        [
            ("SEMMSL", "semaphores", "semaphores in a set", null),
            ("SEMMNS", "semaphores", "semaphores in all sets", Sum(IpcScheme.SysVSem, static r => r["nsems"])),
            ("SEMOPM", "operations", "operations in one call", null),
            ("SEMMNI", "sets", "semaphore sets", Rows(IpcScheme.SysVSem)),
        ];
        for (var i = 0; i < parts.Length; i++)
        {
            var (name, unit, meaning, inUse) = parts[i];
            if (Sysctl.Parse(numbers[i]) is not { } value) continue;
            limits.Add(new IpcLimit($"kernel.sem {name}", value, inUse, unit, meaning, "sysctl kernel.sem='SEMMSL SEMMNS SEMOPM SEMMNI'"));
        }
    }

    private static void ResourceLimits(List<IpcLimit> limits)
    {
        var queued = ProcFile.ReadLines(ProcFile.Self + "/status")
            .FirstOrDefault(static l => l.StartsWith("SigQ:", StringComparison.Ordinal));
        Add("Max msgqueue size", "RLIMIT_MSGQUEUE", "bytes", "all POSIX queues of this user", "ulimit -q N", QueueInventory.CountedBytes());
        Add("Max pending signals", "RLIMIT_SIGPENDING", "signals", "queued signals of this user", "ulimit -i N",
            queued is null ? null : Sysctl.Parse(queued[5..].Split('/')[0]));
        Add("Max open files", "RLIMIT_NOFILE", "descriptors", "descriptors of this process", "ulimit -n N", Count(ProcFile.OwnDescriptors));
        Add("Max locked memory", "RLIMIT_MEMLOCK", "bytes", "locked memory of this process", "ulimit -l N", null);

        void Add(string row, string name, string unit, string meaning, string raise, long? inUse)
        {
            if (Sysctl.ReadProcessLimit(row) is { } value) limits.Add(new IpcLimit(name, value, inUse, unit, meaning, raise));
        }
    }

    private static void SharedMemoryFolder(List<IpcLimit> limits)
    {
        try
        {
            var drive = new DriveInfo("/dev/shm");
            limits.Add(new IpcLimit("/dev/shm", drive.TotalSize, drive.TotalSize - drive.TotalFreeSpace, "bytes",
                "POSIX shared memory, named semaphores, rings", "mount -o remount,size=N /dev/shm"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // No such mount here.
        }
    }

    private static long? Rows(IpcScheme scheme) => Sum(scheme, static _ => 1);

    private static long? Sum(IpcScheme scheme, Func<SysVRow, long> of)
    {
        var rows = SysVTable.Read(scheme, out var problem);
        return problem is null ? rows.Sum(of) : null;
    }

    private static long? PosixQueues()
    {
        using var folder = QueueFolder.TryOpen();
        return folder is null ? null : Count(folder.Path);
    }

    private static long? Count(string folder)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(folder).LongCount();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
