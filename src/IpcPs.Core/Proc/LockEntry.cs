using System.Globalization;
using IpcPs.Files;

namespace IpcPs.Proc;

/// <summary>A file lock, or a request for one that waits: a line of /proc/locks (proc_locks(5)). Every user may read that.</summary>
/// <param name="Number">Its number. A request that waits has the number of the lock that it waits for.</param>
/// <param name="IsWaiting">Whether it is a request that waits.</param>
/// <param name="Type">FLOCK (flock(2)), POSIX or OFDLCK (fcntl(2)).</param>
/// <param name="ProcessId">The process that made the call; -1 for OFDLCK, whose owner is an open file.</param>
/// <param name="File">The file.</param>
/// <param name="Start">Its first byte.</param>
/// <param name="End">Its last byte.</param>
internal sealed record LockEntry(int Number, bool IsWaiting, string Type, int ProcessId, FileId File, long Start, long End)
{
    /// <summary>flock(2).</summary>
    public const string Flock = "FLOCK";

    /// <summary>fcntl(2), F_SETLK.</summary>
    public const string Posix = "POSIX";

    /// <summary>fcntl(2), F_OFD_SETLK.</summary>
    public const string OpenFile = "OFDLCK";

    /// <summary>Whether it covers a byte. The kernel joins locks on neighbouring bytes.</summary>
    public bool Covers(long at) => Start <= at && at <= End;

    /// <summary>All of this PID namespace; none where they can't be read.</summary>
    /// <param name="problem">Why not, or null.</param>
    public static IReadOnlyList<LockEntry> All(out string? problem)
    {
        const string Path = "/proc/locks";
        var lines = ProcFile.ReadLines(Path, out var error);
        problem = error is null ? null : $"file locks are not listed: {Path} can't be read ({error})";
        return [.. lines.Select(Parse).OfType<LockEntry>()];
    }

    // "85: -> OFDLCK ADVISORY  WRITE -1 00:1a:401572 1099511627776 EOF"
    internal static LockEntry? Parse(string line)
    {
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).AsSpan();
        if (fields.Length < 8 || !TryNumber(fields[0].TrimEnd(':'), out int number)) return null;
        var isWaiting = fields[1] == "->";
        if (isWaiting) fields = fields[1..];
        if (fields.Length < 8 || fields[1] is not (Flock or Posix or OpenFile) || !TryNumber(fields[4], out int process)
            || FileOf(fields[5]) is not { } file || !TryNumber(fields[6], out long start)) return null;
        var end = TryNumber(fields[7], out long last) ? last : long.MaxValue;
        return new LockEntry(number, isWaiting, fields[1], process, file, start, end);
    }

    private static FileId? FileOf(string text) => text.Split(':') is [var major, var minor, var inode]
        && uint.TryParse(major, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var first)
        && uint.TryParse(minor, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var second)
        && ulong.TryParse(inode, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? new FileId(first, second, number) : null;

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
