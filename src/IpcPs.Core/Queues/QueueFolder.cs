using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <summary>The folder in which the kernel shows the POSIX queues of this process's IPC namespace: a mount of our own that nobody else
/// sees, where we may (CAP_SYS_ADMIN), else /dev/mqueue or wherever somebody mounted it (mq_overview(7)).</summary>
internal sealed class QueueFolder : IDisposable
{
    private readonly SafeDescriptor? _mount;

    private QueueFolder(string path, SafeDescriptor? mount)
    {
        Path = path;
        _mount = mount;
    }

    /// <summary>Where the queues are files, each by its name.</summary>
    public string Path { get; }

    /// <summary>The folder; null where there is none to be had.</summary>
    public static QueueFolder? TryOpen()
    {
        var mount = Libc.MountDetached("mqueue");
        if (mount >= 0) return new QueueFolder(ProcFile.Descriptor(mount), new SafeDescriptor(mount));
        return MountedPath() is { } path ? new QueueFolder(path, null) : null;
    }

    /// <summary>Whether the folder shows the queue that a descriptor is open on: a mount may be another IPC namespace's.</summary>
    public bool Shows(SafeDescriptor queue) =>
        FileStatus.TryOf(Path, followLinks: true)?.Id is { } folder && FileStatus.TryOf(queue)?.Id is { } file
        && (folder.Major, folder.Minor) == (file.Major, file.Minor);

    public void Dispose() => _mount?.Dispose();

    /// <summary>Where somebody mounted it, from /proc/self/mountinfo (proc_pid_mountinfo(5)).</summary>
    internal static string? MountedPath()
    {
        foreach (var line in ProcFile.ReadLines("/proc/self/mountinfo"))
        {
            var end = line.IndexOf(" - mqueue ", StringComparison.Ordinal);
            if (end < 0) continue;
            var fields = line[..end].Split(' ');
            if (fields.Length > 4) return fields[4].Replace("\\040", " ", StringComparison.Ordinal);
        }
        return null;
    }
}
