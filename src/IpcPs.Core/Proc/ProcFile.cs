using System.Runtime.InteropServices;
using System.Text;

namespace IpcPs.Proc;

/// <summary>Reads the files and links of /proc (proc(5)) with as few calls and as little garbage as a listing of thousands of processes needs.</summary>
internal static unsafe class ProcFile
{
    private const int LongestLink = 4096;

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="buffer">Where to; it is replaced by a larger one where it is too small.</param>
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

    /// <summary>Where a link leads; null where that can't be read.</summary>
    public static string? ReadLink(string path)
    {
        var target = stackalloc byte[LongestLink];
        var length = Libc.readlink(path, target, LongestLink);
        return length <= 0 ? null : Encoding.UTF8.GetString(target, (int)length);
    }

    /// <summary>Whether a process runs; one that has ended and was not yet waited for does not.</summary>
    public static bool IsRunning(int processId)
    {
        byte first;
        // Of a zombie there is a folder, and no program.
        return Libc.readlink($"/proc/{processId}/exe", &first, 1) >= 0 || Marshal.GetLastPInvokeError() == Errno.EACCES;
    }
}
