using System.Buffers.Text;
using System.Text;

namespace IpcPs.Inventory;

/// <summary>What a listing needs to know of a process, from /proc/PID/stat (proc_pid_stat(5)), which every user may read.</summary>
/// <param name="Name">Its name, as the kernel knows it (15 characters).</param>
/// <param name="State">What it does: <c>Z</c> is one that has ended and was not yet waited for.</param>
/// <param name="Threads">How many threads it has.</param>
/// <param name="Flags">The kernel's own flags of it.</param>
internal readonly record struct ProcessFacts(string Name, char State, long Threads, long Flags)
{
    private const long KernelThread = 0x00200000;

    /// <summary>Whether it belongs to the kernel: it has nothing open.</summary>
    public bool IsKernelThread => (Flags & KernelThread) != 0;

    /// <summary>Whether its first thread is over. Others may go on without it, and have what the process has.</summary>
    public bool IsFirstThreadOver => State is 'Z' or 'X';

    /// <summary>Whether all of it is over: it holds nothing any more.</summary>
    public bool HasEnded => IsFirstThreadOver && Threads <= 1;

    public static ProcessFacts Parse(ReadOnlySpan<byte> stat)
    {
        // "12 (any) thing)) S 1 12 …": the name may hold anything, so what follows is counted from the last parenthesis.
        var open = stat.IndexOf((byte)'(');
        var close = stat.LastIndexOf((byte)')');
        if (open < 0 || close < open || close + 2 >= stat.Length) return default;
        var rest = stat[(close + 2)..];
        return new ProcessFacts(Encoding.UTF8.GetString(stat[(open + 1)..close]), (char)rest[0], Field(rest, 17), Field(rest, 6));
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
