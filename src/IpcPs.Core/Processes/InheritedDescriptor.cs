using System.Runtime.InteropServices;

namespace IpcPs.Processes;

/// <summary>A descriptor of this process that a child gets.</summary>
/// <param name="Descriptor">Ours; it stays open here.</param>
/// <param name="Number">Its number in the child.</param>
public readonly record struct InheritedDescriptor(SafeDescriptor Descriptor, int Number)
{
    /// <summary>Makes reads and writes on it wait, as programs expect of what they find as their standard input or output (IpcPs's own ends never
    /// do, they poll). It changes the open file and not only the descriptor: for an end that is given away and closed here.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>.</exception>
    public void MakeBlocking()
    {
        var flags = Libc.fcntl(Descriptor, Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl(Descriptor, Libc.F_SETFL, flags & ~Libc.O_NONBLOCK) < 0)
            throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), null);
    }
}
