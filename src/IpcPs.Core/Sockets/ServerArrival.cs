using IpcPs.Files;

namespace IpcPs.Sockets;

/// <summary>Waits for a server to appear at an address. inotify(7) reports that a socket's file appears, or that its mode is set, which an
/// IpcPs listener does once it answers. Nothing reports that a port, an abstract name or a dead server's file is served again: these are
/// tried again, with growing pauses.</summary>
internal sealed class ServerArrival : IDisposable
{
    private readonly IpcAddress _address;
    private readonly Inotify? _folder;
    private readonly PollWithBackoff _poll = new();

    public ServerArrival(IpcAddress address)
    {
        _address = address;
        if (address.Path is null) return;
        _folder = Inotify.OfFolder(Path.GetDirectoryName(RuntimeFolder.PathOf(address))!,
            Libc.IN_CREATE | Libc.IN_MOVED_TO | Libc.IN_ATTRIB, address.Text);
    }

    /// <summary>Waits until the next try may succeed.</summary>
    /// <param name="errno">Why the last try failed.</param>
    /// <param name="wait">Until when to wait, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>; with an immediate deadline <see cref="IpcErrors.NotFound"/> or
    /// <see cref="IpcErrors.NoPeer"/>.</exception>
    public void Wait(int errno, in WaitOptions wait)
    {
        if (wait.Deadline.HasPassed)
        {
            throw IpcException.TimedOut($"a server at '{_address}'", _address.Text, wait.Deadline,
                errno == Errno.ENOENT ? IpcErrors.NotFound : IpcErrors.NoPeer);
        }
        var next = new WaitOptions(errno == Errno.ENOENT ? wait.Deadline : _poll.Next(wait.Deadline), wait.Cancellation);
        if (_folder is null) Waiter.PollAny([], next);
        else if (_folder.Wait(next)) _poll.Reset();
    }

    public void Dispose() => _folder?.Dispose();
}
