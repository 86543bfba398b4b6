using System.Buffers.Text;
using System.Text;

namespace IpcPs.Proc;

/// <summary>A process or thread as /proc/PID/stat shows it (proc_pid_stat(5)). Every user may read that.</summary>
/// <param name="Name">Its name, cut at 15 characters.</param>
/// <param name="State">Its state; <c>Z</c> for a zombie.</param>
/// <param name="GroupId">Its process group.</param>
/// <param name="Flags">The kernel's PF_… flags.</param>
/// <param name="Threads">How many threads it has.</param>
/// <param name="StartTicks">When it started, in 1/100 s since boot.</param>
internal readonly record struct ProcessStat(string Name, char State, int GroupId, long Flags, long Threads, long StartTicks)
{
    private const long KernelThread = 0x00200000;

    /// <summary>The process that started it, or that adopted it since.</summary>
    public int ParentId { get; private init; }

    /// <summary>Whether it belongs to the kernel: it has nothing open.</summary>
    public bool IsKernelThread => (Flags & KernelThread) != 0;

    /// <summary>Whether its first thread has ended. Other threads may continue, with the process's descriptors and mappings.</summary>
    public bool HasFirstThreadEnded => State is 'Z' or 'X';

    /// <summary>Whether all of it has ended: it holds nothing any more.</summary>
    public bool HasEnded => HasFirstThreadEnded && Threads <= 1;

    /// <summary>Reads a process's file; null where no process has that number.</summary>
    public static ProcessStat? TryRead(int processId)
    {
        var buffer = new byte[512];
        var read = ProcFile.Read(ProcFile.Process(processId) + "/stat", ref buffer);
        return read > 0 ? Parse(buffer.AsSpan(0, read)) : null;
    }

    /// <summary>Parses the content of the file.</summary>
    public static ProcessStat Parse(ReadOnlySpan<byte> stat)
    {
        // "12 (any) thing)) S 1 12 …": the name may contain anything, so the other fields are counted from the last parenthesis.
        var open = stat.IndexOf((byte)'(');
        var close = stat.LastIndexOf((byte)')');
        if (open < 0 || close < open || close + 2 >= stat.Length) return default;
        var rest = stat[(close + 2)..];
        var name = Encoding.UTF8.GetString(stat[(open + 1)..close]);
        return new ProcessStat(name, (char)rest[0], (int)Field(rest, 2), Field(rest, 6), Field(rest, 17), Field(rest, 19))
        {
            ParentId = (int)Field(rest, 1),
        };
    }

    private static long Field(ReadOnlySpan<byte> rest, int index)
    {
        for (; index > 0; index--)
        {
            var space = rest.IndexOf((byte)' ');
            if (space < 0) return 0;
            rest = rest[(space + 1)..];
        }
        return Utf8Parser.TryParse(rest, out long value, out _) ? value : 0;
    }
}
