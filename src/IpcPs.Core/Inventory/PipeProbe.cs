using System.Runtime.InteropServices;

namespace IpcPs.Inventory;

/// <summary>Asks the kernel whether anybody, seen or not, has a named pipe open, by opening it without blocking (fifo(7)).</summary>
internal static class PipeProbe
{
    /// <summary>Whether anybody has it open. A process that waits in open(2) for the other side counts, and is woken by the question: ask only where none that could be
    /// seen does.</summary>
    /// <returns>Null where this user may not ask.</returns>
    public static bool? IsOpen(string path)
    {
        // Without a reader, opening to write fails: that it does so is the answer.
        var fd = Open(path, Libc.O_WRONLY);
        if (fd >= 0)
        {
            _ = Libc.close(fd);
            return true;
        }
        if (Marshal.GetLastPInvokeError() != Errno.ENXIO || (fd = Open(path, Libc.O_RDONLY)) < 0) return null;
        using var reader = new SafeDescriptor(fd);
        // A reader is told of the end when the last writer has gone; so there must have been one: ours.
        if ((fd = Open(path, Libc.O_WRONLY)) < 0) return null;
        _ = Libc.close(fd);
        return !HasHungUp(reader);
    }

    private static unsafe bool HasHungUp(SafeDescriptor reader)
    {
        var poll = new Libc.PollFd { Descriptor = reader.Number, Requested = PollEvents.In };
        var now = default(Libc.Timespec);
        return Libc.ppoll(&poll, 1, &now, null) > 0 && poll.Returned.HasFlag(PollEvents.HangUp);
    }

    private static int Open(string path, int access) => Libc.open(path, access | Libc.O_NONBLOCK | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0);
}
