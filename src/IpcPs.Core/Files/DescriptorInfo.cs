using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Files;

/// <summary>What the kernel knows about a descriptor that was inherited, or received over a socket.</summary>
/// <param name="FileType">The S_IF… type.</param>
/// <param name="Link">The target of /proc/self/fd/N: <c>pipe:[123]</c>, <c>/memfd:name (deleted)</c>, a path; empty without /proc.</param>
/// <param name="Access">What it was opened for.</param>
internal readonly record struct DescriptorInfo(uint FileType, string Link, IpcAccess Access)
{
    /// <summary>Looks at a descriptor: fcntl(2), statx(2), readlink(2).</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no such descriptor is open.</exception>
    public static DescriptorInfo Of(SafeDescriptor descriptor, IpcAddress? address)
    {
        var flags = Libc.fcntl(descriptor, Libc.F_GETFL, 0);
        if (flags < 0 || FileStatus.TryOf(descriptor) is not { } status)
        {
            throw IpcException.FromErrno("fcntl", Marshal.GetLastPInvokeError(), address?.Text,
                "No such descriptor is open in this process.", IpcErrors.NotFound);
        }
        var link = ProcFile.ReadLink(ProcFile.Descriptor(descriptor.Number)) ?? "";
        return new DescriptorInfo(status.Type, link, (flags & Libc.O_ACCMODE) switch
        {
            Libc.O_WRONLY => IpcAccess.Write,
            Libc.O_RDWR => IpcAccess.ReadWrite,
            _ => IpcAccess.Read,
        });
    }
}
