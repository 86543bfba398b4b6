using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>The file of a Unix socket that has a path. bind(2) makes it, and the process that made it removes it. When its server is dead,
/// a new server takes it over.</summary>
internal sealed unsafe class SocketFile
{
    private readonly string _path;
    private readonly FileId _id;

    private static readonly ConcurrentDictionary<SocketFile, bool> Bound = RemoveAtExit();

    private SocketFile(string path, FileId id)
    {
        _path = path;
        _id = id;
    }

    /// <summary>Binds a socket to its path and starts to listen.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="mode">The file's permissions. The umask does not change them.</param>
    /// <param name="listen">Calls listen(2). Called before another process can ask whether the server is alive.</param>
    /// <param name="wait">How long to wait for another process that starts a listener.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>: the path has a live server, or is not a socket.</exception>
    public static SocketFile Bind(NativeSocket socket, UnixFileMode mode, Action listen, in WaitOptions wait)
    {
        var address = socket.Address;
        var path = address.Path!;
        // Only one process of this user binds at a time: two must not both take over the same dead server's file.
        using var folderLock = LockFolder(RuntimeFolder.Ensure(), address, wait);
        // bind(2) gives the file the socket's mode, less the umask. So the file never has more permissions than were asked for.
        if (Libc.fchmod(socket.Descriptor, (uint)mode) != 0)
            throw IpcException.FromErrno("fchmod", Marshal.GetLastPInvokeError(), address.Text);
        var name = NativeSocketAddress.Of(address);
        var errno = socket.TryBind(name);
        if (errno == Errno.EADDRINUSE)
        {
            RemoveDead(address, path);
            errno = socket.TryBind(name);
        }
        if (errno != 0) throw SocketErrors.BindFailed(address, errno);
        var file = new SocketFile(path, FileStatus.Of(path, address.Text).Id);
        Bound[file] = true;
        try
        {
            listen();
            // After listen(2), also when the mode is right already: a process that watches the folder sees by this that the server is
            // ready.
            if (Libc.chmod(path, (uint)mode) != 0)
                throw IpcException.FromErrno("chmod", Marshal.GetLastPInvokeError(), address.Text);
            return file;
        }
        catch
        {
            file.Remove();
            throw;
        }
    }

    /// <summary>Removes the file, unless another file has its path now. Call it before the socket is closed: until then no process takes
    /// the file over as a dead server's.</summary>
    public void Remove()
    {
        if (!Bound.TryRemove(this, out _)) return;
        if (FileStatus.TryOf(_path)?.Id == _id) _ = Libc.unlink(_path);
    }

    /// <summary>Whether a socket of any type is bound to that name. The server does not notice the check.</summary>
    /// <returns>Null if this user may not know.</returns>
    public static bool? IsAlive(IpcAddress address)
    {
        NativeSocketAddress name;
        try
        {
            name = NativeSocketAddress.Of(address);
        }
        catch (IpcException)
        {
            return null; // The runtime folder may not be used.
        }
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0);
        if (fd < 0) throw IpcException.FromErrno("socket", Marshal.GetLastPInvokeError(), address.Text);
        // A datagram socket cannot connect to a stream server (EPROTOTYPE), and connecting sends nothing to a datagram server.
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

    // A program that ends without closing its listeners leaves no files behind. One that is killed does; the next server takes them over.
    private static ConcurrentDictionary<SocketFile, bool> RemoveAtExit()
    {
        var files = new ConcurrentDictionary<SocketFile, bool>();
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (var file in files.Keys) file.Remove();
        };
        return files;
    }

    private static void RemoveDead(IpcAddress address, string path)
    {
        var type = FileStatus.TryOf(path)?.Type;
        if (type is null) return;
        if (type != Libc.S_IFSOCK)
            throw new IpcException(IpcErrors.AlreadyExists, $"'{path}' exists and is not a socket.", address.Text,
                "Choose another address.");
        switch (IsAlive(address))
        {
            case true:
                throw SocketErrors.BindFailed(address, Errno.EADDRINUSE);
            case null:
                throw new IpcException(IpcErrors.AccessDenied, $"'{path}' exists, and its permissions hide whether its server is alive.",
                    address.Text, "Choose another address.");
        }
        if (Libc.unlink(path) != 0 && Marshal.GetLastPInvokeError() is var errno and not Errno.ENOENT)
            throw IpcException.FromErrno("unlink", errno, address.Text);
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
