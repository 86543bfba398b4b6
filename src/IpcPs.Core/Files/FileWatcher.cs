namespace IpcPs.Files;

/// <summary>Is notified when something happens to a file that <see cref="FileWatcher"/> watches for it.</summary>
internal interface IFileWatch
{
    /// <summary>Called on the watcher's thread, also for other events than the wanted ones. Must not block.</summary>
    void OnFileEvent();
}

/// <summary>Watches the files of all objects of this process with one inotify(7) instance and one thread: a user has few instances
/// (fs.inotify.max_user_instances, 128).</summary>
internal static class FileWatcher
{
    /// <summary>The number of a watch that could not begin.</summary>
    public const int NotWatched = -1;

    private const int StackSize = 128 * 1024;

    // Weak: an object that was never disposed can still be collected.
    private static readonly Dictionary<int, List<WeakReference<IFileWatch>>> Watches = [];
    private static Inotify? s_inotify;

    /// <summary>Begins to watch an open file.</summary>
    /// <param name="watch">What is notified.</param>
    /// <param name="file">The file. It may have no path: a message queue has none without /dev/mqueue.</param>
    /// <param name="events">The IN_… events.</param>
    /// <returns>The number for <see cref="Remove"/>; <see cref="NotWatched"/> where the user has no instance or watch left.</returns>
    public static int Add(IFileWatch watch, SafeDescriptor file, uint events)
    {
        lock (Watches)
        {
            if ((s_inotify ??= TryStart()) is not { } inotify) return NotWatched;
            var number = inotify.TryAdd(file, events);
            if (number < 0) return NotWatched;
            // Two descriptors of one file share a number.
            if (!Watches.TryGetValue(number, out var watches)) Watches[number] = watches = [];
            if (!watches.Exists(w => w.TryGetTarget(out var other) && ReferenceEquals(other, watch))) watches.Add(new(watch));
            return number;
        }
    }

    /// <summary>Ends a watch.</summary>
    public static void Remove(IFileWatch watch, int number)
    {
        lock (Watches)
        {
            if (!Watches.TryGetValue(number, out var watches)) return;
            watches.RemoveAll(w => !w.TryGetTarget(out var other) || ReferenceEquals(other, watch));
            if (watches.Count > 0) return;
            Watches.Remove(number);
            s_inotify!.Remove(number);
        }
    }

    private static Inotify? TryStart()
    {
        if (Inotify.TryCreate() is not { } inotify) return null;
        if (BackgroundThread.TryStart("IpcPs file watch", () => Run(inotify), StackSize) is not null) return inotify;
        inotify.Dispose();
        return null;
    }

    private static void Run(Inotify inotify)
    {
        Span<int> numbers = stackalloc int[Inotify.MaxEvents];
        while (true)
        {
            var count = inotify.WaitAndRead(numbers);
            for (var i = 0; i < count; i++)
            {
                foreach (var watch in Concerned(numbers[i])) watch.OnFileEvent();
            }
        }
    }

    private static List<IFileWatch> Concerned(int number)
    {
        List<IFileWatch> concerned = [];
        lock (Watches)
        {
            // After an overflow any file may have had an event.
            IEnumerable<List<WeakReference<IFileWatch>>> lists =
                number == Inotify.Overflow ? Watches.Values : Watches.TryGetValue(number, out var found) ? [found] : [];
            foreach (var reference in lists.SelectMany(static l => l))
            {
                if (reference.TryGetTarget(out var watch)) concerned.Add(watch);
            }
        }
        return concerned;
    }
}
