using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>The one inotify(7) instance and thread behind every <see cref="RemovalWatch"/> of the process: users have few instances
/// (fs.inotify.max_user_instances, 128), and a wait may be on any number of objects. The thread sleeps in read(2).</summary>
/// <remarks>unlink changes the link count, which is IN_ATTRIB on the file itself; /proc/self/fd/N leads to the file even where it has no path,
/// as a message queue does without /dev/mqueue. Where the user has no inotify instance left, objects are not watched: then only this
/// process's own removals are noticed.</remarks>
internal sealed unsafe class RemovalWatcher
{
    private const int NotWatched = -1;

    private readonly Dictionary<int, List<RemovalWatch>> _byWatch = [];
    private SafeDescriptor? _notify;

    public static RemovalWatcher Instance { get; } = new();

    /// <summary>Begins to watch for one more object.</summary>
    /// <returns>Its number for <see cref="Remove"/>.</returns>
    public int Add(RemovalWatch watch, SafeDescriptor descriptor)
    {
        lock (_byWatch)
        {
            _notify ??= TryStart();
            var number = _notify is null ? NotWatched : Libc.inotify_add_watch(_notify, $"/proc/self/fd/{descriptor.Number}", Libc.IN_ATTRIB);
            // Two descriptors of one file share a number.
            if (!_byWatch.TryGetValue(number, out var watches)) _byWatch[number] = watches = [];
            watches.Add(watch);
            return number;
        }
    }

    public void Remove(RemovalWatch watch, int number)
    {
        lock (_byWatch)
        {
            if (!_byWatch.TryGetValue(number, out var watches)) return;
            watches.Remove(watch);
            if (watches.Count > 0) return;
            _byWatch.Remove(number);
            // Fails where the file is gone already, and its watch with it.
            if (number != NotWatched) _ = Libc.inotify_rm_watch(_notify!, number);
        }
    }

    public void CheckAll()
    {
        RemovalWatch[] all;
        lock (_byWatch) all = [.. _byWatch.Values.SelectMany(static w => w)];
        foreach (var watch in all) watch.Check();
    }

    private SafeDescriptor? TryStart()
    {
        var fd = Libc.inotify_init1(Libc.O_CLOEXEC);
        if (fd < 0) return null;
        var notify = new SafeDescriptor(fd);
        new Thread(() => Run(notify)) { IsBackground = true, Name = "IpcPs removal watch" }.Start();
        return notify;
    }

    private void Run(SafeDescriptor notify)
    {
        const int EventSize = 16;
        Span<byte> events = stackalloc byte[EventSize * 64];
        fixed (byte* first = events)
        {
            while (true)
            {
                var read = Libc.read(notify, first, (nuint)events.Length);
                if (read < 0 && Marshal.GetLastPInvokeError() != Errno.EINTR) return;
                // A file's own events have no name behind them: each is 16 bytes, and begins with the watch's number.
                for (var at = 0; at + EventSize <= read; at += EventSize) Check(*(int*)(first + at));
            }
        }
    }

    private void Check(int number)
    {
        RemovalWatch[] watches;
        lock (_byWatch) watches = _byWatch.TryGetValue(number, out var found) ? [.. found] : [];
        foreach (var watch in watches) watch.Check();
    }
}
