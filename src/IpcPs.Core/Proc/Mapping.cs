using System.Buffers.Text;
using IpcPs.Files;

namespace IpcPs.Proc;

/// <summary>A line of /proc/PID/maps (proc_pid_maps(5)): a file, or a System V segment, that a process has mapped.</summary>
/// <param name="File">Which file; of a System V segment the inode is its id.</param>
/// <param name="IsSysV">Whether it is a System V segment.</param>
internal readonly record struct Mapping(FileId File, bool IsSysV)
{
    /// <summary>Whether an address of a process lies in its mapping of a file.</summary>
    /// <param name="maps">The process's /proc/PID/maps.</param>
    /// <param name="file">The file.</param>
    /// <param name="address">The address.</param>
    public static bool Contains(ReadOnlySpan<byte> maps, FileId file, ulong address)
    {
        while (!maps.IsEmpty)
        {
            var line = maps;
            if (!TryNext(ref maps, out var mapping)) return false;
            // The lines before it that are of no interest were skipped.
            line = line[..^maps.Length].TrimEnd((byte)'\n');
            line = line[(line.LastIndexOf((byte)'\n') + 1)..];
            if (mapping.File == file && Utf8Parser.TryParse(line, out ulong start, out var used, 'x') && line.Length > used
                && Utf8Parser.TryParse(line[(used + 1)..], out ulong end, out _, 'x') && address >= start && address < end) return true;
        }
        return false;
    }

    /// <summary>Takes the next mapping that can be of an IPC object: a shared one, or a private one of a file in /dev/shm.</summary>
    /// <param name="maps">What is left of the file; moved on.</param>
    /// <param name="mapping">The mapping.</param>
    public static bool TryNext(ref ReadOnlySpan<byte> maps, out Mapping mapping)
    {
        while (!maps.IsEmpty)
        {
            var end = maps.IndexOf((byte)'\n');
            var line = end < 0 ? maps : maps[..end];
            maps = end < 0 ? [] : maps[(end + 1)..];
            if (TryParse(line, out mapping)) return true;
        }
        mapping = default;
        return false;
    }

    // "7f12-7f34 rw-s 00000000 00:01 5   /SYSV0000002a (deleted)"
    private static bool TryParse(ReadOnlySpan<byte> line, out Mapping mapping)
    {
        mapping = default;
        var space = line.IndexOf((byte)' ');
        if (space < 0 || line.Length < space + 16) return false;
        var shared = line[space + 4] == 's';
        // Most lines are a program's and its libraries'.
        if (!shared && line.IndexOf("/dev/shm/"u8) < 0) return false;
        var rest = line[(space + 6)..];
        rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        if (!Utf8Parser.TryParse(rest, out uint major, out var used, 'x') || rest.Length <= used || rest[used] != ':') return false;
        rest = rest[(used + 1)..];
        if (!Utf8Parser.TryParse(rest, out uint minor, out used, 'x') || rest.Length <= used) return false;
        rest = rest[(used + 1)..];
        if (!Utf8Parser.TryParse(rest, out ulong inode, out used)) return false;
        var isSysV = rest[used..].TrimStart((byte)' ').StartsWith("/SYSV"u8);
        // Id 0 is a segment's; a file has no inode 0.
        if (inode == 0 && !isSysV) return false;
        mapping = new Mapping(new FileId(major, minor, inode), isSysV);
        return true;
    }
}
