using System.Runtime.InteropServices;
using System.Text;

namespace IpcPs.Proc;

/// <summary>Reads the memory of a process that this user may trace (proc_pid_mem(5)).</summary>
internal static unsafe class ProcessMemory
{
    private const int LongestPath = 4096;

    /// <summary>Reads bytes.</summary>
    /// <param name="folder">The folder of the process, or of one of its threads.</param>
    /// <param name="address">Where they are.</param>
    /// <param name="bytes">Receives them.</param>
    /// <returns>Whether all were read.</returns>
    public static bool TryRead(string folder, ulong address, Span<byte> bytes)
    {
        using var file = Open(folder);
        fixed (byte* first = bytes) return file is not null && Read(file, first, bytes.Length, address) == bytes.Length;
    }

    /// <summary>Reads a text that ends with a NUL; null where it can't be read.</summary>
    public static string? ReadText(string folder, ulong address)
    {
        using var file = Open(folder);
        if (file is null) return null;
        var bytes = stackalloc byte[LongestPath];
        var length = 0;
        while (length < LongestPath)
        {
            // Not across the end of a page: the next page may not be mapped.
            var at = address + (ulong)length;
            var room = Math.Min(LongestPath - length, (int)(4096 - (at & 4095)));
            var read = Read(file, bytes + length, room, at);
            if (read <= 0) return null;
            var end = new ReadOnlySpan<byte>(bytes + length, read).IndexOf((byte)0);
            if (end >= 0) return Encoding.UTF8.GetString(bytes, length + end);
            length += read;
        }
        return null;
    }

    private static SafeDescriptor? Open(string folder)
    {
        var fd = Libc.open(folder + "/mem", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        return fd < 0 ? null : new SafeDescriptor(fd);
    }

    private static int Read(SafeDescriptor file, byte* bytes, int count, ulong address)
    {
        nint read;
        do read = Libc.pread(file, bytes, (nuint)count, (long)address);
        while (read < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return (int)read;
    }
}
