using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <summary>The folder in which the kernel shows the POSIX queues of an IPC namespace as files (mq_overview(7)). With CAP_SYS_ADMIN it is a
/// mount of this process, which no other process sees; else /dev/mqueue or where the mqueue file system is mounted.</summary>
internal sealed class QueueFolder : IDisposable
{
    private readonly SafeDescriptor? _mount;

    private QueueFolder(string path, SafeDescriptor? mount)
    {
        Path = path;
        _mount = mount;
    }

    /// <summary>Its path; each queue is a file in it.</summary>
    public string Path { get; }

    /// <summary>Opens the folder; null where the file system is not mounted and this process cannot mount it.</summary>
    public static QueueFolder? TryOpen()
    {
        var mount = Libc.MountDetached("mqueue");
        if (mount >= 0) return new QueueFolder(ProcFile.Descriptor(mount), new SafeDescriptor(mount));
        return MountedPath() is { } path ? new QueueFolder(path, null) : null;
    }

    /// <summary>Whether the folder belongs to the same IPC namespace as a queue.</summary>
    public bool Shows(SafeDescriptor queue) =>
        FileStatus.TryOf(Path, followLinks: true)?.Id is { } folder && FileStatus.TryOf(queue)?.Id is { } file
        && (folder.Major, folder.Minor) == (file.Major, file.Minor);

    public void Dispose() => _mount?.Dispose();

    /// <summary>Where it is mounted.</summary>
    internal static string? MountedPath() => MountTable.Read().FirstOrDefault(static m => m.Type == "mqueue")?.Path;
}
