using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Waits for a file to come into being, by inotify(7), and lists the files of one type in a folder.</summary>
internal static unsafe class PathWatch
{
    /// <summary>Waits until the path exists. Its folder must exist.</summary>
    public static void WaitUntilExists(string path, string target, in WaitOptions wait)
    {
        if (Path.Exists(path)) return;
        var fd = Libc.inotify_init1(Libc.O_NONBLOCK | Libc.O_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("inotify_init1", Marshal.GetLastPInvokeError(), target);
        using var notify = new SafeDescriptor(fd);
        if (Libc.inotify_add_watch(notify, Path.GetDirectoryName(path)!, Libc.IN_CREATE | Libc.IN_MOVED_TO) < 0)
            throw IpcException.FromErrno("inotify_add_watch", Marshal.GetLastPInvokeError(), target);
        var events = stackalloc byte[4096];
        // Looked for again after the watch began: what came in between has no event.
        while (!Path.Exists(path))
        {
            if (!Waiter.Poll(notify, PollEvents.In, wait)) throw IpcException.TimedOut($"'{target}' to exist", target, wait.Deadline, IpcErrors.NotFound);
            while (Libc.read(notify, events, 4096) > 0)
            {
            }
        }
    }

    /// <summary>The names of the files of one type (S_IFIFO, S_IFSOCK) in a folder; none where it can't be read.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="type">The type.</param>
    /// <param name="isWanted">Which names are: the others are not looked at.</param>
    public static List<string> FilesIn(string folder, uint type, Func<string, bool>? isWanted = null)
    {
        var names = new List<string>();
        try
        {
            foreach (var path in Directory.EnumerateFileSystemEntries(folder))
            {
                var name = Path.GetFileName(path);
                if (isWanted is not null && !isWanted(name)) continue;
                Libc.Statx stat;
                if (Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &stat) == 0 && stat.IsType(type)) names.Add(name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing to offer then.
        }
        return names;
    }
}
