using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Asks the kernel whether anybody has a file open or mapped (fcntl(2), F_SETLEASE): it grants a write lease only to who has it alone, whatever user, container or
/// namespace others are in.</summary>
internal static class LeaseProbe
{
    private const int F_SETSIG = 10;
    private const int F_SETLEASE = 1024;
    private const int F_WRLCK = 1;
    private const int F_UNLCK = 2;
    private const int Retries = 5;

    /// <summary>Whether somebody has the file. The lease is given back at once; who opens the file in that moment waits for its end.</summary>
    /// <returns>Null where the kernel doesn't say: the file is another user's, or on a file system without leases.</returns>
    public static bool? IsInUse(string path)
    {
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0);
        if (fd < 0) return null;
        using var file = new SafeDescriptor(fd);
        // Who opens the file while the lease lasts has a signal sent to its holder: SIGIO, which would end this process, unless another is chosen. Nobody minds SIGURG.
        if (Libc.fcntl(file, F_SETSIG, Libc.SIGURG) != 0) return null;
        // Another one who asks the same has it open too, for some microseconds.
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
