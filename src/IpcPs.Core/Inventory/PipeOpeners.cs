using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Inventory;

/// <summary>The threads that wait in open(2) of a named pipe until its other side is opened (fifo(7)). They use the pipe, and have no descriptor of it by which
/// they could be found: only what the kernel says of the thread tells (wchan and syscall in proc(5)).</summary>
internal sealed class PipeOpeners
{
    private const int LongestPath = 4096;

    private readonly Dictionary<FileId, List<IpcHolder>> _files = [];

    private PipeOpeners()
    {
    }

    /// <summary>Processes that wait for some named pipe, or may do so, of which it can't be told for which.</summary>
    public List<IpcHolder> Unknown { get; } = [];

    /// <summary>Who waits to open that one.</summary>
    public IReadOnlyList<IpcHolder> Of(FileId file) => _files.TryGetValue(file, out var holders) ? holders : [];

    /// <summary>Looks at every thread.</summary>
    /// <param name="processes">The processes, by number.</param>
    public static PipeOpeners Find(IReadOnlyDictionary<int, string> processes)
    {
        var found = new PipeOpeners();
        var buffer = new byte[512];
        foreach (var (id, name) in processes)
        {
            try
            {
                foreach (var thread in ProcessScan.Numbers(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/task")))
                    found.Look(id, name, string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/task/{thread}"), ref buffer);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended while it was looked at; one that can't be looked into is counted where descriptors are.
            }
        }
        return found;
    }

    private void Look(int id, string name, string folder, ref byte[] buffer)
    {
        var read = ProcFile.Read(folder + "/wchan", ref buffer);
        // "0": it runs, or the kernel has no names for where it sleeps. Then its system call has to tell.
        var place = read > 0 ? buffer.AsSpan(0, read) : default;
        if (!place.IsEmpty && !place.SequenceEqual("0"u8) && !place.StartsWith("wait_for_partner"u8) && !place.StartsWith("fifo_open"u8)) return;
        var isWaiting = place.StartsWith("wait_for_partner"u8) || place.StartsWith("fifo_open"u8);
        read = ProcFile.Read(folder + "/syscall", ref buffer);
        if (read <= 0)
        {
            if (isWaiting) Unknown.Add(new IpcHolder(id, name, "opening"));
            return;
        }
        if (OpeningCall.Parse(Encoding.ASCII.GetString(buffer, 0, read)) is not { } call) return;
        if (PathOf(folder, call) is { } path && FileId.OfPath(path, out var stat) is { } file)
        {
            if (!stat.IsType(Libc.S_IFIFO)) return;
            if (!_files.TryGetValue(file, out var holders)) _files[file] = holders = [];
            holders.Add(new IpcHolder(id, name, "opening"));
        }
        else if (isWaiting)
        {
            Unknown.Add(new IpcHolder(id, name, "opening"));
        }
    }

    // Seen with the thread's own eyes: its root, its working folder, its descriptors.
    private static string? PathOf(string folder, OpeningCall call)
    {
        if (ReadText(folder + "/mem", call.PathAddress) is not { Length: > 0 } path) return null;
        if (path.StartsWith("/proc/self/", StringComparison.Ordinal)) return folder + path["/proc/self".Length..];
        if (path.StartsWith("/dev/fd/", StringComparison.Ordinal)) return folder + path["/dev".Length..];
        if (path.StartsWith('/')) return folder + "/root" + path;
        return call.Folder == Libc.AT_FDCWD ? $"{folder}/cwd/{path}" : string.Create(CultureInfo.InvariantCulture, $"{folder}/fd/{call.Folder}/{path}");
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
            // Not across the end of a page: the next one may be nobody's.
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

        private static ulong Hex(string text) => ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : 0;
    }
}
