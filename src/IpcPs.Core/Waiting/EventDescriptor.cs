using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>An eventfd(2) that one thread makes readable to end the poll(2) of another.</summary>
/// <remarks>Calls: eventfd(2), read(2), write(2).</remarks>
internal sealed unsafe class EventDescriptor : IDisposable
{
    [ThreadStatic]
    private static EventDescriptor? t_current;

    /// <param name="target">The address of the object that needs it, for an error.</param>
    /// <exception cref="IpcException">The process has no descriptor left.</exception>
    public EventDescriptor(string? target = null)
    {
        var fd = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("eventfd", Marshal.GetLastPInvokeError(), target);
        Descriptor = new SafeDescriptor(fd);
    }

    /// <summary>The one of the calling thread. A thread that has ever blocked keeps it until it ends.</summary>
    public static EventDescriptor Current => t_current ??= new EventDescriptor();

    /// <summary>The descriptor to poll.</summary>
    public SafeDescriptor Descriptor { get; }

    /// <summary>Makes the descriptor readable.</summary>
    public void Set()
    {
        ulong one = 1;
        _ = Libc.write(Descriptor, (byte*)&one, 8);
    }

    /// <summary>Makes the descriptor unreadable, however often it was set.</summary>
    public void Reset()
    {
        ulong count;
        _ = Libc.read(Descriptor, (byte*)&count, 8);
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
