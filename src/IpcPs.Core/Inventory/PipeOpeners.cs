using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Inventory;

/// <summary>The threads that wait in open(2) of a named pipe until its other side is opened (fifo(7)). They have no descriptor of the pipe
/// yet. They are found by the function in which they sleep, and by the arguments of their system call (wchan and syscall in
/// proc(5)).</summary>
internal sealed class PipeOpeners
{
    private readonly Dictionary<FileId, List<IpcHolder>> _files = [];

    private PipeOpeners()
    {
    }

    /// <summary>Processes that wait, or may wait, for a named pipe that can't be determined.</summary>
    public List<IpcHolder> Unknown { get; } = [];

    /// <summary>The processes that wait to open that pipe.</summary>
    public IReadOnlyList<IpcHolder> Of(FileId file) => _files.TryGetValue(file, out var holders) ? holders : [];

    /// <summary>Inspects every thread.</summary>
    /// <param name="processes">The processes by their ids.</param>
    public static PipeOpeners Find(IReadOnlyDictionary<int, string> processes)
    {
        var found = new PipeOpeners();
        var buffer = new byte[512];
        foreach (var (id, name) in processes)
        {
            try
            {
                foreach (var thread in ProcFile.Numbers(ProcFile.Threads(id)))
                    found.Inspect(id, name, ProcFile.Thread(id, thread), ref buffer);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile. One that this user may not inspect is counted where its descriptors are read.
            }
        }
        return found;
    }

    private void Inspect(int id, string name, string folder, ref byte[] buffer)
    {
        var read = ProcFile.Read(folder + "/wchan", ref buffer);
        // "0": it runs, or the kernel does not tell where it sleeps. Then its system call decides.
        var place = read > 0 ? buffer.AsSpan(0, read) : default;
        var isWaiting = place.StartsWith("wait_for_partner"u8) || place.StartsWith("fifo_open"u8);
        if (!place.IsEmpty && !place.SequenceEqual("0"u8) && !isWaiting) return;
        if (ThreadCall.TryRead(folder, ref buffer, out var isReadable) is not { } call)
        {
            if (isWaiting && !isReadable) Unknown.Add(new IpcHolder(id, name, "opening"));
            return;
        }
        if (!call.IsOpen && !call.IsOpenAt) return;
        if (PathOf(folder, call) is { } path && FileStatus.TryOf(path, followLinks: true) is { } status)
        {
            if (!status.IsType(Libc.S_IFIFO)) return;
            if (!_files.TryGetValue(status.Id, out var holders)) _files[status.Id] = holders = [];
            holders.Add(new IpcHolder(id, name, "opening"));
        }
        else if (isWaiting)
        {
            Unknown.Add(new IpcHolder(id, name, "opening"));
        }
    }

    // The path as the thread resolves it: from its root, its working folder, its descriptors.
    private static string? PathOf(string folder, ThreadCall call)
    {
        var isAt = call.IsOpenAt;
        if (ProcessMemory.ReadText(folder, isAt ? call.Second : call.First) is not { Length: > 0 } path) return null;
        if (path.StartsWith(ProcFile.Self + "/", StringComparison.Ordinal)) return folder + path[ProcFile.Self.Length..];
        if (path.StartsWith("/dev/fd/", StringComparison.Ordinal)) return folder + path["/dev".Length..];
        if (path.StartsWith('/')) return folder + "/root" + path;
        return !isAt || (int)call.First == Libc.AT_FDCWD ? $"{folder}/cwd/{path}"
            : string.Create(CultureInfo.InvariantCulture, $"{folder}/fd/{(int)call.First}/{path}");
    }
}

/// <summary>Asks the kernel whether any process, seen or not, has a named pipe open, by opening it without blocking (fifo(7)).</summary>
internal static class PipeProbe
{
    /// <summary>Whether any process has it open. One that waits in open(2) for the other side counts, and the probe wakes it: use it only
    /// where no such process can be seen.</summary>
    /// <returns>Null where this user may not open it.</returns>
    public static bool? IsOpen(string path)
    {
        // Opening to write fails where there is no reader.
        var fd = Open(path, Libc.O_WRONLY);
        if (fd >= 0)
        {
            _ = Libc.close(fd);
            return true;
        }
        if (Marshal.GetLastPInvokeError() != Errno.ENXIO || (fd = Open(path, Libc.O_RDONLY)) < 0) return null;
        using var reader = new SafeDescriptor(fd);
        // A reader sees a hang-up once the last writer has gone, but only after there was one: so this adds one.
        if ((fd = Open(path, Libc.O_WRONLY)) < 0) return null;
        _ = Libc.close(fd);
        return !HasHungUp(reader);
    }

    private static unsafe bool HasHungUp(SafeDescriptor reader)
    {
        var poll = new Libc.PollFd { Descriptor = reader.Number, Requested = PollEvents.In };
        var now = default(Libc.Timespec);
        return Libc.ppoll(&poll, 1, &now, null) > 0 && poll.Returned.HasFlag(PollEvents.HangUp);
    }

    private static int Open(string path, int access) => Libc.open(path, access | Libc.O_NONBLOCK | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0);
}
