using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>The file of a unix socket that has a path: made by bind(2), taken over where its server is dead, removed by the one who made it.</summary>
internal sealed unsafe class SocketFile
{
    private readonly string _path;
    private readonly ulong _inode;
    private readonly (uint, uint) _device;

    private static readonly ConcurrentDictionary<SocketFile, bool> Ours = RemoveAtExit();

    private SocketFile(string path, in Libc.Statx stat)
    {
        _path = path;
        _inode = stat.Inode;
        _device = (stat.DeviceMajor, stat.DeviceMinor);
    }

    /// <summary>Binds a socket to its path and makes it ready, with that mode whatever the umask.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="mode">Permissions.</param>
    /// <param name="ready">What makes it serve (listen(2)); done before anybody else may look whether the server is alive.</param>
    /// <param name="wait">Until when to wait for another starter, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>: a live server, or a file that is no socket, is there.</exception>
    public static SocketFile Bind(NativeSocket socket, UnixFileMode mode, Action ready, in WaitOptions wait)
    {
        var address = socket.Address;
        var path = address.Path!;
        // One starter of this user at a time: two that find the same dead server's file must not both take it over.
        using var starters = LockFolder(RuntimeFolder.Ensure(), address, wait);
        // The file gets the socket's own mode, less the umask: never more than was asked for, not even for a moment.
        if (Libc.fchmod(socket.Descriptor, (uint)mode) != 0) throw IpcException.FromErrno("fchmod", Marshal.GetLastPInvokeError(), address.Text);
        var name = NativeSocketAddress.Of(address);
        var errno = socket.TryBind(name);
        if (errno == Errno.EADDRINUSE)
        {
            RemoveDead(address, path, name);
            errno = socket.TryBind(name);
        }
        if (errno != 0) throw BindFailed(address, errno);
        Libc.Statx stat;
        if (Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &stat) != 0) throw IpcException.FromErrno("statx", Marshal.GetLastPInvokeError(), address.Text);
        var file = new SocketFile(path, stat);
        Ours[file] = true;
        try
        {
            ready();
            // After listen(2), and always: whoever watches the folder for the server learns by this that it answers now.
            if (Libc.chmod(path, (uint)mode) != 0) throw IpcException.FromErrno("chmod", Marshal.GetLastPInvokeError(), address.Text);
            return file;
        }
        catch
        {
            file.Remove();
            throw;
        }
    }

    public static IpcException BindFailed(IpcAddress address, int errno) => errno switch
    {
        Errno.EADDRINUSE => new IpcException(IpcErrors.AlreadyExists, $"A live server has '{address}'.", address.Text, "Choose another address, or connect to it.") { Errno = errno, Call = "bind", Advice = IpcAdvice.Connect },
        Errno.EADDRNOTAVAIL => new IpcException(IpcErrors.PlatformNotSupported, $"This machine lacks the address of '{address}'.", address.Text) { Errno = errno, Call = "bind" },
        _ => IpcException.FromErrno("bind", errno, address.Text),
    };

    /// <summary>Removes the file, unless another has been put in its place. Called while the socket is still open: nobody takes it for dead until then.</summary>
    public void Remove()
    {
        if (!Ours.TryRemove(this, out _)) return;
        Libc.Statx stat;
        if (Libc.statx(Libc.AT_FDCWD, _path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &stat) != 0) return;
        if (stat.Inode == _inode && (stat.DeviceMajor, stat.DeviceMinor) == _device) _ = Libc.unlink(_path);
    }

    /// <summary>Whether a socket, of whatever type, is bound to that name: asked in a way that no server notices.</summary>
    /// <returns>Null where that can't be told.</returns>
    public static bool? IsAlive(IpcAddress address, NativeSocketAddress name)
    {
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0);
        if (fd < 0) throw IpcException.FromErrno("socket", Marshal.GetLastPInvokeError(), address.Text);
        // A datagram socket gets no connection to a stream server, but EPROTOTYPE; and to a datagram server it sends nothing by connecting.
        using var probe = new SafeDescriptor(fd);
        int errno;
        fixed (byte* bytes = name.Buffer) errno = Libc.connect(probe, bytes, name.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        return errno switch
        {
            0 or Errno.EPROTOTYPE or Errno.EPERM => true,
            Errno.ECONNREFUSED or Errno.ENOENT => false,
            _ => null,
        };
    }

    // A script that ends without closing its listeners leaves no dead files behind; one that is killed does, and the next server takes them over.
    private static ConcurrentDictionary<SocketFile, bool> RemoveAtExit()
    {
        var files = new ConcurrentDictionary<SocketFile, bool>();
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (var file in files.Keys) file.Remove();
        };
        return files;
    }

    private static void RemoveDead(IpcAddress address, string path, NativeSocketAddress name)
    {
        var type = FileType.Of(path);
        if (type is null) return;
        if (type != Libc.S_IFSOCK) throw new IpcException(IpcErrors.AlreadyExists, $"'{path}' exists and is not a socket.", address.Text, "Choose another address.");
        switch (IsAlive(address, name))
        {
            case true:
                throw BindFailed(address, Errno.EADDRINUSE);
            case null:
                throw new IpcException(IpcErrors.AccessDenied, $"'{path}' exists, and this user may not ask whether its server is alive.", address.Text, "Choose another address.");
        }
        if (Libc.unlink(path) != 0 && Marshal.GetLastPInvokeError() is var errno and not Errno.ENOENT) throw IpcException.FromErrno("unlink", errno, address.Text);
    }

    private static SafeDescriptor LockFolder(string folder, IpcAddress address, in WaitOptions wait)
    {
        var fd = Libc.open(folder, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_DIRECTORY, 0);
        if (fd < 0) throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text);
        var locked = new SafeDescriptor(fd);
        if (Libc.flock(locked, Libc.LOCK_EX | Libc.LOCK_NB) == 0) return locked;
        var call = new LockCall(locked);
        var errno = InterruptibleCall.Invoke<LockCall, int>(ref call, out _, wait);
        if (errno == 0) return locked;
        locked.Dispose();
        if (errno == Errno.ETIMEDOUT) throw IpcException.TimedOut("another process that starts a listener", address.Text, wait.Deadline);
        throw IpcException.FromErrno("flock", errno, address.Text);
    }

    private readonly struct LockCall(SafeDescriptor folder) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = Libc.flock(folder, Libc.LOCK_EX)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
