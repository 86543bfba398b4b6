using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;

namespace IpcPs.Files;

/// <summary>Reads folders (readdir(3)). .NET's own enumeration makes two more calls for each link, to learn whether it leads to a folder:
/// in /proc these are more than all the others of a listing.</summary>
internal static unsafe class FolderEntries
{
    private delegate void Visit(ReadOnlySpan<byte> name, byte type);

    /// <summary>The numbers that a folder has entries for: processes, threads, descriptors.</summary>
    /// <exception cref="IOException">The folder is gone: its process has ended.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static List<int> Numbers(string folder)
    {
        var numbers = new List<int>();
        Each(folder, (name, _) =>
        {
            if (Utf8Parser.TryParse(name, out int number, out var used) && used == name.Length) numbers.Add(number);
        });
        return numbers;
    }

    /// <summary>The names in a folder, each with its S_IF… type; 0 where the file system does not say.</summary>
    /// <exception cref="IOException">There is no such folder.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static List<(string Name, uint Type)> Names(string folder)
    {
        var names = new List<(string, uint)>();
        Each(folder, (name, type) =>
        {
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) names.Add((Encoding.UTF8.GetString(name), (uint)type << 12));
        });
        return names;
    }

    private static void Each(string folder, Visit visit)
    {
        var open = Libc.opendir(folder);
        if (open == 0) throw Failed(folder, Marshal.GetLastPInvokeError());
        try
        {
            while (true)
            {
                // Only errno tells the end from an error: it is 0 before the call (LibraryImport, SetLastError).
                var entry = Libc.readdir(open);
                if (entry is null)
                {
                    if (Marshal.GetLastPInvokeError() is not 0 and var errno) throw Failed(folder, errno);
                    return;
                }
                visit(MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry + Libc.FolderEntry.NameOffset), entry->Type);
            }
        }
        finally
        {
            _ = Libc.closedir(open);
        }
    }

    private static Exception Failed(string folder, int errno) => errno is Errno.EACCES or Errno.EPERM
        ? new UnauthorizedAccessException($"'{folder}' can't be read.")
        : new IOException($"'{folder}' can't be read (errno {errno}).", errno);
}
