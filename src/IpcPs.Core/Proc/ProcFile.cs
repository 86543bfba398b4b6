using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using IpcPs.Files;

namespace IpcPs.Proc;

/// <summary>The paths of /proc (proc(5)), and the readers of its files, links and folders.</summary>
internal static unsafe class ProcFile
{
    /// <summary>The folder of this process.</summary>
    public const string Self = "/proc/self";

    /// <summary>The folder of this process's descriptors.</summary>
    public const string OwnDescriptors = "/proc/self/fd";

    /// <summary>The folder of this process's threads. "self" is right even where /proc is the mount of another PID namespace.</summary>
    public const string OwnThreads = "/proc/self/task";

    private const int LongestLink = 4096;

    /// <summary>The folder of a process.</summary>
    public static string Process(int processId) => string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");

    /// <summary>The folder of a process's threads.</summary>
    public static string Threads(int processId) => Process(processId) + "/task";

    /// <summary>The folder of a thread.</summary>
    public static string Thread(int processId, int threadId) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/task/{threadId}");

    /// <summary>A descriptor of this process: the path leads to the open file, even where that has no path of its own.</summary>
    public static string Descriptor(int number) => string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{number}");

    /// <summary>A descriptor of another process of this user.</summary>
    public static string Descriptor(int processId, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/fd/{number}");

    /// <summary>The time since the machine was started (proc_uptime(5)).</summary>
    public static TimeSpan TimeSinceBoot() =>
        TimeSpan.FromSeconds(double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture));

    /// <summary>The process ids of this PID namespace.</summary>
    public static IReadOnlyList<int> Processes() => Numbers("/proc");

    /// <summary>The numbers that a folder has entries for: processes, threads, descriptors.</summary>
    /// <exception cref="IOException">The folder is gone: its process has ended.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static IReadOnlyList<int> Numbers(string folder) => FolderEntries.Numbers(folder);

    /// <summary>The lines of a file; none where it can't be read.</summary>
    public static string[] ReadLines(string path) => ReadLines(path, out _);

    /// <summary>The lines of a file; none where it can't be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">Why it can't be read, or null.</param>
    public static string[] ReadLines(string path, out string? problem)
    {
        problem = null;
        try
        {
            return File.ReadAllLines(path);
        }
        // A process that ends while its file is read gives ESRCH, which is an IOException.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return [];
        }
    }

    /// <summary>The text of a file; null where it can't be read.</summary>
    public static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads a whole file with few calls and little garbage: a listing reads some of each of thousands of processes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="buffer">Receives the bytes; replaced by a larger one where it is too small.</param>
    /// <returns>How many bytes were read; a negative errno where that failed.</returns>
    public static int Read(string path, ref byte[] buffer)
    {
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0) return -Marshal.GetLastPInvokeError();
        try
        {
            var length = 0;
            while (true)
            {
                nint read;
                fixed (byte* first = buffer) read = Libc.read(fd, first + length, (nuint)(buffer.Length - length));
                if (read < 0 && Marshal.GetLastPInvokeError() is var errno)
                {
                    if (errno == Errno.EINTR) continue;
                    return -errno;
                }
                if (read == 0) return length;
                length += (int)read;
                if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            }
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    /// <summary>The target of a link (readlink(2)); null where it can't be read.</summary>
    public static string? ReadLink(string path)
    {
        var target = stackalloc byte[LongestLink];
        var length = Libc.readlink(path, target, LongestLink);
        return length <= 0 ? null : Encoding.UTF8.GetString(target, (int)length);
    }

    /// <summary>The process of a thread; the number itself where it is a process, or no thread any more.</summary>
    public static int ProcessOfThread(int threadId)
    {
        // A thread is not listed in /proc, but has a folder there.
        foreach (var line in ReadLines(Process(threadId) + "/status"))
        {
            if (line.StartsWith("Tgid:", StringComparison.Ordinal)
                && int.TryParse(line.AsSpan(5).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var process)) return process;
        }
        return threadId;
    }

    /// <summary>Whether a process runs; false for a zombie.</summary>
    public static bool IsRunning(int processId)
    {
        byte first;
        // A zombie has a folder, but no program.
        return Libc.readlink(Process(processId) + "/exe", &first, 1) >= 0 || Marshal.GetLastPInvokeError() == Errno.EACCES;
    }
}
