using System.Runtime.InteropServices;
using IpcPs.SharedMemory;

namespace IpcPs.Rings.Algorithm;

/// <summary>A ring's file in this process's address space, with the messages' part twice in a row: so a message that goes over the end of the ring is in one piece, and
/// whatever length a damaged ring claims, up to the ring's own, stays within the mapping.</summary>
internal sealed class RingMapping : MappedRegion
{
    // Up to here all pages are mapped at once; beyond it, when they are touched.
    private const long Populated = 4 * 1024 * 1024;

    private RingMapping(nint address, long length) : base(address, length, isReadOnly: false, isGuarded: true)
    {
    }

    /// <summary>Maps a ring of that capacity.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no address space.</exception>
    public static unsafe RingMapping Map(SafeDescriptor descriptor, long capacity, string target)
    {
        var once = RingLayout.DataOffset + capacity;
        var total = once + capacity;
        var start = (byte*)Libc.mmap(null, (nuint)total, 0, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS, -1, 0);
        if (start == Libc.MAP_FAILED) throw IpcException.FromErrno("mmap", Marshal.GetLastPInvokeError(), target);
        const int Access = Libc.PROT_READ | Libc.PROT_WRITE;
        var flags = Libc.MAP_SHARED | Libc.MAP_FIXED | (capacity <= Populated ? Libc.MAP_POPULATE : 0);
        if (Libc.mmap(start, (nuint)once, Access, flags, descriptor, 0) == Libc.MAP_FAILED
            || Libc.mmap(start + once, (nuint)capacity, Access, flags, descriptor, RingLayout.DataOffset) == Libc.MAP_FAILED)
        {
            var errno = Marshal.GetLastPInvokeError();
            _ = Libc.munmap(start, (nuint)total);
            throw IpcException.FromErrno("mmap", errno, target);
        }
        return new RingMapping((nint)start, total);
    }
}
