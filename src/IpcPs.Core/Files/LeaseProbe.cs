using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Asks the kernel whether any other process has a file open or mapped (fcntl(2), F_SETLEASE). It grants a write lease only
/// where this
/// process is the only one, counting the processes of every user, container and namespace.</summary>
internal static class LeaseProbe
{
    private const int F_SETSIG = 10;
    private const int F_SETLEASE = 1024;
    private const int F_WRLCK = 1;
    private const int F_UNLCK = 2;
    private const int Retries = 5;

    /// <summary>Whether another process has the file. The lease is released at once. A process that opens the file meanwhile waits for
    /// that.</summary>
    /// <returns>Null where the kernel refuses to answer: the file is another user's, or on a file system without leases.</returns>
    public static bool? IsInUse(string path)
    {
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0);
        if (fd < 0) return null;
        using var file = new SafeDescriptor(fd);
        // When another process opens the file, the kernel sends the lease's holder a signal. SIGIO, the default, would end this process;
        // SIGURG is
        // ignored.
        if (Libc.fcntl(file, F_SETSIG, Libc.SIGURG) != 0) return null;
        // Another process's probe has it open too, for some microseconds.
        for (var left = Retries; Libc.fcntl(file, F_SETLEASE, F_WRLCK) != 0; left--)
        {
            if (Marshal.GetLastPInvokeError() != Errno.EAGAIN) return null;
            if (left == 0) return true;
            _ = Libc.sched_yield();
        }
        _ = Libc.fcntl(file, F_SETLEASE, F_UNLCK);
        return false;
    }
}
