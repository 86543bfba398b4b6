using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Files;

/// <summary>What the kernel says of a descriptor whose kind is not known yet: inherited, or received over a socket.</summary>
/// <param name="FileType">The S_IF… type.</param>
/// <param name="Link">What /proc/self/fd/N points to: <c>pipe:[123]</c>, <c>/memfd:name (deleted)</c>, a path; empty where /proc is not there.</param>
/// <param name="Access">What it was opened for.</param>
internal readonly record struct DescriptorFacts(uint FileType, string Link, IpcAccess Access)
{
    /// <summary>Asks.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no such descriptor is open.</exception>
    public static unsafe DescriptorFacts Of(SafeDescriptor descriptor, IpcAddress? address)
    {
        Libc.Statx stat;
        var flags = Libc.fcntl(descriptor, Libc.F_GETFL, 0);
        if (flags < 0 || Libc.statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &stat) != 0)
            throw IpcException.FromErrno("fcntl", Marshal.GetLastPInvokeError(), address?.Text, "No such descriptor is open in this process.", IpcErrors.NotFound);
        return new DescriptorFacts(stat.Mode & Libc.S_IFMT, ProcFile.ReadLink($"/proc/self/fd/{descriptor.Number}") ?? "", (flags & Libc.O_ACCMODE) switch
        {
            Libc.O_WRONLY => IpcAccess.Write,
            Libc.O_RDWR => IpcAccess.ReadWrite,
            _ => IpcAccess.Read,
        });
    }
}
