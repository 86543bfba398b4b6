using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>An eventfd(2): a descriptor that is readable from <see cref="Set"/> until <see cref="Reset"/>, so that a thread can wait for it
/// with ppoll(2).</summary>
/// <remarks>Each thread that ever blocks has one of its own, which ends its wait from another thread. It lives as long as the
/// thread.</remarks>
internal sealed unsafe class EventDescriptor : IDisposable
{
    [ThreadStatic]
    private static EventDescriptor? t_current;

    /// <param name="target">The object's address, for the error.</param>
    public EventDescriptor(string? target = null)
    {
        var fd = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("eventfd", Marshal.GetLastPInvokeError(), target);
        Handle = new SafeDescriptor(fd);
    }

    /// <summary>The calling thread's own.</summary>
    public static EventDescriptor Current => t_current ??= new EventDescriptor();

    public SafeDescriptor Handle { get; }

    public int Descriptor => Handle.Number;

    /// <summary>Makes the descriptor readable, which wakes the thread that waits for it.</summary>
    public void Set()
    {
        ulong one = 1;
        _ = Libc.write(Handle, (byte*)&one, 8);
    }

    /// <summary>Makes the descriptor unreadable.</summary>
    public void Reset()
    {
        ulong count;
        _ = Libc.read(Handle, (byte*)&count, 8);
    }

    public void Dispose() => Handle.Dispose();
}
