using System.Runtime.InteropServices;

namespace IpcPs.Waiting;

/// <summary>An eventfd(2) that ends a poll(2) from another thread. Each thread that ever blocks has one, and keeps it.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Lives as long as its thread; the handle closes itself when the thread's statics are collected.")]
internal sealed unsafe class EventDescriptor
{
    [ThreadStatic]
    private static EventDescriptor? t_current;

    private readonly SafeDescriptor _descriptor;

    private EventDescriptor()
    {
        var fd = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("eventfd", Marshal.GetLastPInvokeError(), null);
        _descriptor = new SafeDescriptor(fd);
    }

    /// <summary>The calling thread's own.</summary>
    public static EventDescriptor Current => t_current ??= new EventDescriptor();

    public int Descriptor => _descriptor.Number;

    /// <summary>Wakes the owner; what a cancelled token calls.</summary>
    public void Set()
    {
        ulong one = 1;
        _ = Libc.write(_descriptor, (byte*)&one, 8);
    }

    /// <summary>Forgets earlier wakes.</summary>
    public void Reset()
    {
        ulong count;
        _ = Libc.read(_descriptor, (byte*)&count, 8);
    }
}
