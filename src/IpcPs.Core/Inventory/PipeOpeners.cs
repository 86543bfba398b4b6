using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Inventory;

/// <summary>The threads that wait in open(2) of a named pipe until its other side is opened (fifo(7)). They have no descriptor of the pipe
/// yet. They are found by the function in which they sleep, and by the arguments of their system call (wchan and syscall in
/// proc(5)).</summary>
internal sealed class PipeOpeners
{
    private const int LongestPath = 4096;

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
        read = ProcFile.Read(folder + "/syscall", ref buffer);
        if (read <= 0)
        {
            if (isWaiting) Unknown.Add(new IpcHolder(id, name, "opening"));
            return;
        }
        if (OpeningCall.Parse(Encoding.ASCII.GetString(buffer, 0, read)) is not { } call) return;
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
    private static string? PathOf(string folder, OpeningCall call)
    {
        if (ReadText(folder + "/mem", call.PathAddress) is not { Length: > 0 } path) return null;
        if (path.StartsWith(ProcFile.Self + "/", StringComparison.Ordinal)) return folder + path[ProcFile.Self.Length..];
        if (path.StartsWith("/dev/fd/", StringComparison.Ordinal)) return folder + path["/dev".Length..];
        if (path.StartsWith('/')) return folder + "/root" + path;
        return call.Folder == Libc.AT_FDCWD ? $"{folder}/cwd/{path}"
            : string.Create(CultureInfo.InvariantCulture, $"{folder}/fd/{call.Folder}/{path}");
    }

    private static unsafe string? ReadText(string memory, ulong address)
    {
        var fd = Libc.open(memory, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0) return null;
        using var file = new SafeDescriptor(fd);
        var bytes = stackalloc byte[LongestPath];
        var length = 0;
        while (length < LongestPath)
        {
            // Not across the end of a page: the next page may not be mapped.
            var at = address + (ulong)length;
            var room = Math.Min(LongestPath - length, (int)(4096 - (at & 4095)));
            var read = (int)Libc.pread(file, bytes + length, (nuint)room, (long)at);
            if (read < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR) continue;
            if (read <= 0) return null;
            var end = new ReadOnlySpan<byte>(bytes + length, read).IndexOf((byte)0);
            if (end >= 0) return Encoding.UTF8.GetString(bytes, length + end);
            length += read;
        }
        return null;
    }

    /// <summary>A call of open(2), openat(2) or openat2(2), as /proc/PID/syscall shows it: its number and its arguments.</summary>
    private readonly record struct OpeningCall(int Folder, ulong PathAddress)
    {
        private const int OpenAt2 = 437;

        public static OpeningCall? Parse(string text)
        {
            // "257 0xffffff9c 0x7ffd86acd9d9 0x0 …"; "running" where it is in no call.
            var fields = text.Split(' ');
            if (fields.Length < 3 || !int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
            var isX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
            if (isX64 && number == 2) return new OpeningCall(Libc.AT_FDCWD, Hex(fields[1]));
            return number == OpenAt2 || number == (isX64 ? 257 : 56) ? new OpeningCall((int)Hex(fields[1]), Hex(fields[2])) : null;
        }

        private static ulong Hex(string text) =>
            ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : 0;
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
