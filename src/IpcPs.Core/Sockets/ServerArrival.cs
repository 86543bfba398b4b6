using System.Runtime.InteropServices;

namespace IpcPs.Sockets;

/// <summary>Waits for a server to appear at an address. A socket's file appearing, or its mode being set (which an IpcPs listener does once it answers),
/// is told by inotify(7). That a port, an abstract name or a dead server's file is served again is told by nothing: there it is looked again, after
/// 1 ms at first and 250 ms at last.</summary>
internal sealed unsafe class ServerArrival : IDisposable
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    private readonly IpcAddress _address;
    private readonly SafeDescriptor? _notify;
    private TimeSpan _interval = Shortest;

    public ServerArrival(IpcAddress address)
    {
        _address = address;
        if (address.Path is not { } path) return;
        if (address.Name is not null) RuntimeFolder.Ensure();
        var fd = Libc.inotify_init1(Libc.O_NONBLOCK | Libc.O_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("inotify_init1", Marshal.GetLastPInvokeError(), address.Text);
        _notify = new SafeDescriptor(fd);
        if (Libc.inotify_add_watch(_notify, Path.GetDirectoryName(path)!, Libc.IN_CREATE | Libc.IN_MOVED_TO | Libc.IN_ATTRIB) >= 0) return;
        var errno = Marshal.GetLastPInvokeError();
        _notify.Dispose();
        throw IpcException.FromErrno("inotify_add_watch", errno, address.Text, "The folder of the socket must exist.");
    }

    /// <summary>Waits until it may be worth while to try again.</summary>
    /// <param name="errno">Why the last try failed.</param>
    /// <param name="wait">Until when to wait, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>; with an immediate deadline <see cref="IpcErrors.NotFound"/> or <see cref="IpcErrors.NoPeer"/>.</exception>
    public void Wait(int errno, in WaitOptions wait)
    {
        if (wait.Deadline.HasPassed) throw IpcException.TimedOut($"a server at '{_address}'", _address.Text, wait.Deadline, errno == Errno.ENOENT ? IpcErrors.NotFound : IpcErrors.NoPeer);
        var until = wait.Deadline;
        if (errno != Errno.ENOENT)
        {
            if (wait.Deadline.IsInfinite || wait.Deadline.Remaining > _interval) until = Deadline.After(_interval);
            _interval = _interval * 2 < Longest ? _interval * 2 : Longest;
        }
        if (_notify is null)
        {
            Waiter.PollAny([], until, wait.Cancellation);
            return;
        }
        if (!Waiter.Poll(_notify, PollEvents.In, until, wait.Cancellation)) return;
        var events = stackalloc byte[4096];
        while (Libc.read(_notify, events, 4096) > 0)
        {
        }
        _interval = Shortest;
    }

    public void Dispose() => _notify?.Dispose();
}
