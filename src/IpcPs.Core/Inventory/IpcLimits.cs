using System.Globalization;
using IpcPs.Proc;
using IpcPs.Queues;

namespace IpcPs.Inventory;

/// <summary>The kernel's limits on IPC (sysvipc(7), mq_overview(7), pipe(7), getrlimit(2)).</summary>
public static class IpcLimits
{
    private static readonly long PageSize = Environment.SystemPageSize;

    /// <summary>All limits that this machine has; one that can't be read is left out.</summary>
    public static IReadOnlyList<IpcLimit> List()
    {
        var limits = new List<IpcLimit>();
        Sysctl(limits, "kernel.msgmni", "queues", "System V message queues", Rows("msg"));
        Sysctl(limits, "kernel.msgmax", "bytes", "one System V message");
        Sysctl(limits, "kernel.msgmnb", "bytes", "what waits in a new System V queue");
        Sysctl(limits, "kernel.shmmni", "segments", "System V segments", Rows("shm"));
        Sysctl(limits, "kernel.shmmax", "bytes", "one System V segment");
        Sysctl(limits, "kernel.shmall", "pages", "all System V segments", Sum("shm", static r => (r["size"] + PageSize - 1) / PageSize));
        Semaphores(limits);
        Sysctl(limits, "fs.mqueue.queues_max", "queues", "POSIX message queues", PosixQueues());
        Sysctl(limits, "fs.mqueue.msg_max", "messages", "messages in a POSIX queue, without privilege");
        Sysctl(limits, "fs.mqueue.msgsize_max", "bytes", "one message of a POSIX queue, without privilege");
        Sysctl(limits, "fs.mqueue.msg_default", "messages", "messages in a POSIX queue, if its creator does not say");
        Sysctl(limits, "fs.mqueue.msgsize_default", "bytes", "one message of a POSIX queue, if its creator does not say");
        Sysctl(limits, "fs.pipe-max-size", "bytes", "capacity of a pipe, without privilege");
        Sysctl(limits, "fs.pipe-user-pages-soft", "pages", "all pipes of a user, before new ones get one page");
        Sysctl(limits, "fs.pipe-user-pages-hard", "pages", "all pipes of a user (0: no limit)");
        Sysctl(limits, "net.unix.max_dgram_qlen", "datagrams", "what waits at a Unix datagram socket");
        Sysctl(limits, "net.core.somaxconn", "connections", "backlog of a listener");
        Sysctl(limits, "net.core.wmem_max", "bytes", "send buffer of a socket, and with it the largest datagram");
        ResourceLimits(limits);
        SharedMemoryFolder(limits);
        return limits;
    }

    private static void Sysctl(List<IpcLimit> limits, string name, string unit, string meaning, long? inUse = null)
    {
        if (Read(name) is { } text && ToLong(text) is { } value) limits.Add(new IpcLimit(name, value, inUse, unit, meaning, $"sysctl {name}=N"));
    }

    // kernel.sem is four numbers: SEMMSL, SEMMNS, SEMOPM, SEMMNI.
    private static void Semaphores(List<IpcLimit> limits)
    {
        if (Read("kernel.sem")?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is not { Length: 4 } numbers) return;
        (string, string, string, long?)[] parts =
        [
            ("SEMMSL", "semaphores", "semaphores in a set", null),
            ("SEMMNS", "semaphores", "semaphores in all sets", Sum("sem", static r => r["nsems"])),
            ("SEMOPM", "operations", "operations in one call", null),
            ("SEMMNI", "sets", "semaphore sets", Rows("sem")),
        ];
        for (var i = 0; i < parts.Length; i++)
        {
            var (name, unit, meaning, inUse) = parts[i];
            if (ToLong(numbers[i]) is { } value) limits.Add(new IpcLimit($"kernel.sem {name}", value, inUse, unit, meaning, "sysctl kernel.sem='SEMMSL SEMMNS SEMOPM SEMMNI'"));
        }
    }

    private static void ResourceLimits(List<IpcLimit> limits)
    {
        var status = Lines("/proc/self/status");
        var queued = status.FirstOrDefault(static l => l.StartsWith("SigQ:", StringComparison.Ordinal))?[5..].Trim().Split('/')[0];
        var table = Lines("/proc/self/limits");
        Add("Max msgqueue size", "RLIMIT_MSGQUEUE", "bytes", "all POSIX queues of this user", "ulimit -q N", QueueInventory.CountedBytes());
        Add("Max pending signals", "RLIMIT_SIGPENDING", "signals", "queued signals of this user", "ulimit -i N", queued is null ? null : ToLong(queued));
        Add("Max open files", "RLIMIT_NOFILE", "descriptors", "descriptors of this process", "ulimit -n N", Count("/proc/self/fd"));
        Add("Max locked memory", "RLIMIT_MEMLOCK", "bytes", "locked memory of this process", "ulimit -l N", null);

        void Add(string row, string name, string unit, string meaning, string raise, long? inUse)
        {
            var line = table.FirstOrDefault(l => l.StartsWith(row, StringComparison.Ordinal));
            var soft = line?[row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
            if (soft is not null && ToLong(soft) is { } value) limits.Add(new IpcLimit(name, value, inUse, unit, meaning, raise));
        }
    }

    private static void SharedMemoryFolder(List<IpcLimit> limits)
    {
        try
        {
            var drive = new DriveInfo("/dev/shm");
            limits.Add(new IpcLimit("/dev/shm", drive.TotalSize, drive.TotalSize - drive.TotalFreeSpace, "bytes", "POSIX shared memory, named semaphores, rings", "mount -o remount,size=N /dev/shm"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // No such mount here.
        }
    }

    private static string? Read(string sysctl) => Lines("/proc/sys/" + sysctl.Replace('.', '/')) is [var first, ..] ? first.Trim() : null;

    private static long? Rows(string kind) => Sum(kind, static _ => 1);

    private static long? Sum(string kind, Func<SysVRow, long> of)
    {
        var scan = new InventoryScan();
        var rows = SysVRow.Read(kind, scan);
        return scan.Problems.Count > 0 ? null : rows.Select(of).Sum();
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

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // "unlimited", and what is beyond a long (shmmax is by default), count as the largest number.
    private static long? ToLong(string text) =>
        text == "unlimited" ? long.MaxValue
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? (long)Math.Min(value, long.MaxValue) : null;
}
