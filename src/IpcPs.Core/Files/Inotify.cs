using System.Buffers.Binary;
using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Files;

/// <summary>An inotify(7) instance: the kernel reports what happens to the files and folders that it watches.</summary>
internal sealed unsafe class Inotify : IDisposable
{
    /// <summary>Stands for any watch: the kernel's queue of events was full, and it dropped events (IN_Q_OVERFLOW).</summary>
    public const int Overflow = -1;

    /// <summary>The most events that one <see cref="Read"/> gives.</summary>
    public const int MaxEvents = BufferSize / EventSize;

    private const int BufferSize = 4096;
    private const int EventSize = 16;
    private const int NameLengthAt = 12;

    private readonly SafeDescriptor _descriptor;

    private Inotify(int descriptor) => _descriptor = new SafeDescriptor(descriptor);

    /// <summary>Creates an instance.</summary>
    /// <returns>Null where the user has no instance left (fs.inotify.max_user_instances).</returns>
    public static Inotify? TryCreate() =>
        Libc.inotify_init1(Libc.O_NONBLOCK | Libc.O_CLOEXEC) is var descriptor and >= 0 ? new Inotify(descriptor) : null;

    /// <summary>Creates an instance that watches a folder.</summary>
    /// <param name="folder">The folder; it must exist.</param>
    /// <param name="events">The IN_… events.</param>
    /// <param name="target">The object's address, for the error.</param>
    public static Inotify OfFolder(string folder, uint events, string target)
    {
        var created = TryCreate() ?? throw IpcException.FromErrno("inotify_init1", Marshal.GetLastPInvokeError(), target);
        if (created.TryAdd(folder, events) >= 0) return created;
        var errno = Marshal.GetLastPInvokeError();
        created.Dispose();
        throw IpcException.FromErrno("inotify_add_watch", errno, target,
            errno == Errno.ENOENT ? $"The folder '{folder}' must exist." : null);
    }

    /// <summary>Waits until a path exists. Its folder must exist.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>; <see cref="IpcErrors.NotFound"/> (immediate deadline, no
    /// folder).</exception>
    public static void WaitUntilExists(string path, string target, in WaitOptions wait)
    {
        if (Path.Exists(path)) return;
        using var folder = OfFolder(Path.GetDirectoryName(path)!, Libc.IN_CREATE | Libc.IN_MOVED_TO, target);
        // The first look after the watch began finds what was created just before it.
        while (!Path.Exists(path))
        {
            if (!folder.Wait(wait)) throw IpcException.TimedOut($"'{target}' to exist", target, wait.Deadline, IpcErrors.NotFound);
        }
    }

    /// <summary>Watches one more file. Where it is watched already, the events are added to those.</summary>
    /// <returns>The watch's number; negative where the call fails (fs.inotify.max_user_watches).</returns>
    public int TryAdd(SafeDescriptor file, uint events) => TryAdd(ProcFile.Descriptor(file.Number), events | Libc.IN_MASK_ADD);

    /// <summary>Ends a watch. This fails, without harm, where the file is gone and the kernel ended its watch.</summary>
    public void Remove(int watch) => _ = Libc.inotify_rm_watch(_descriptor, watch);

    /// <summary>Waits for events, and discards them.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Wait(in WaitOptions wait)
    {
        if (!Waiter.Poll(_descriptor, PollEvents.In, wait)) return false;
        var watches = stackalloc int[MaxEvents];
        while (Read(new Span<int>(watches, MaxEvents)) > 0)
        {
        }
        return true;
    }

    /// <summary>Blocks until there are events, and reads them.</summary>
    /// <param name="watches">Receives the number of each event's watch, or <see cref="Overflow"/>; <see cref="MaxEvents"/> long.</param>
    /// <returns>How many events there are.</returns>
    public int WaitAndRead(Span<int> watches)
    {
        Waiter.Poll(_descriptor, PollEvents.In, default);
        return Read(watches);
    }

    public void Dispose() => _descriptor.Dispose();

    private int TryAdd(string path, uint events) => Libc.inotify_add_watch(_descriptor, path, events);

    private int Read(Span<int> watches)
    {
        var events = stackalloc byte[BufferSize];
        var read = (int)Libc.read(_descriptor, events, BufferSize);
        var count = 0;
        for (var at = 0; at + EventSize <= read;)
        {
            var one = new ReadOnlySpan<byte>(events + at, read - at);
            watches[count++] = BinaryPrimitives.ReadInt32LittleEndian(one);
            at += EventSize + BinaryPrimitives.ReadInt32LittleEndian(one[NameLengthAt..]);
        }
        return count;
    }
}
