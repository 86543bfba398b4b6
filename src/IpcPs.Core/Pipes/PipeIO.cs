using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Pipes;

/// <summary>The system calls that anonymous and named pipes share: read(2), write(2) and fcntl(2) on a non-blocking end.</summary>
internal static unsafe class PipeIO
{
    /// <summary>PIPE_BUF: the kernel never mixes a write of at most so many bytes with another one (pipe(7)).</summary>
    public const int AtomicWrite = StreamSender.MaxPipeWrite;

    private const string PipeMaxSize = "fs.pipe-max-size";

    /// <summary>Reads once.</summary>
    /// <returns>How many bytes; 0 at the end of the stream; -1 where it would block.</returns>
    public static int TryRead(SafeDescriptor descriptor, Span<byte> buffer, IpcAddress address)
    {
        fixed (byte* into = buffer)
        {
            while (true)
            {
                var read = Libc.read(descriptor, into, (nuint)buffer.Length);
                if (read >= 0) return (int)read;
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errno.EAGAIN) return -1;
                if (errno != Errno.EINTR) throw IpcException.FromErrno("read", errno, address.Text);
            }
        }
    }

    /// <summary>Writes once.</summary>
    /// <returns>How many bytes; -1 where it would block.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>.</exception>
    public static int TryWrite(SafeDescriptor descriptor, ReadOnlySpan<byte> bytes, IpcAddress address)
    {
        fixed (byte* from = bytes)
        {
            while (true)
            {
                var written = Libc.write(descriptor, from, (nuint)bytes.Length);
                if (written >= 0) return (int)written;
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errno.EAGAIN) return -1;
                if (errno == Errno.EPIPE) throw NoReader(address);
                if (errno != Errno.EINTR) throw IpcException.FromErrno("write", errno, address.Text);
            }
        }
    }

    /// <summary>Makes an end non-blocking that another program created.</summary>
    public static void SetNonBlocking(SafeDescriptor descriptor, IpcAddress address)
    {
        var flags = Libc.fcntl(descriptor, Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl(descriptor, Libc.F_SETFL, flags | Libc.O_NONBLOCK) < 0)
            throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), address.Text);
    }

    public static IpcException NoReader(IpcAddress address) =>
        new(IpcErrors.PeerClosed, $"The last reader of '{address}' has closed it, so no process would receive the message.", address.Text)
        { Errno = Errno.EPIPE, Call = "write" };

    public static IpcException NoDescriptors(IpcAddress address) =>
        new(IpcErrors.NotSupported, "A pipe does not carry descriptors.", address.Text) { Advice = IpcAdvice.UseUnixSocket };

    /// <summary>How many bytes the pipe holds (F_GETPIPE_SZ).</summary>
    public static int GetCapacity(SafeDescriptor descriptor, IpcAddress address)
    {
        var size = Libc.fcntl(descriptor, Libc.F_GETPIPE_SZ, 0);
        return size >= 0 ? size : throw IpcException.FromErrno("fcntl(F_GETPIPE_SZ)", Marshal.GetLastPInvokeError(), address.Text);
    }

    /// <summary>Sets how many bytes the pipe holds (F_SETPIPE_SZ); the kernel rounds up to a power of two pages.</summary>
    public static void SetCapacity(SafeDescriptor descriptor, long bytes, IpcAddress address)
    {
        if (bytes is <= 0 or > int.MaxValue) throw IpcException.Argument($"A capacity of {bytes} bytes is out of range.", address.Text);
        if (Libc.fcntl(descriptor, Libc.F_SETPIPE_SZ, (nint)bytes) >= 0) return;
        var errno = Marshal.GetLastPInvokeError();
        throw errno switch
        {
            Errno.EPERM => new IpcException(IpcErrors.LimitReached,
                $"A capacity of {bytes} bytes for '{address}' is above the limit of this user: {PipeMaxSize} is "
                + $"{Sysctl.Describe(PipeMaxSize)}.", address.Text,
                $"Ask for less, or raise the limit: sysctl {PipeMaxSize}={bytes}. If {PipeMaxSize} is high enough, the limit is "
                + "fs.pipe-user-pages-soft.")
            { Errno = errno, Call = "fcntl(F_SETPIPE_SZ)" },
            Errno.EBUSY => new IpcException(IpcErrors.LimitReached, $"'{address}' holds more than {bytes} bytes right now.", address.Text,
                "Receive some of it first.")
            { Errno = errno, Call = "fcntl(F_SETPIPE_SZ)" },
            _ => IpcException.FromErrno("fcntl(F_SETPIPE_SZ)", errno, address.Text),
        };
    }

    /// <summary>How many bytes are in the pipe (FIONREAD).</summary>
    public static int GetPending(SafeDescriptor descriptor, IpcAddress address)
    {
        int bytes;
        if (Libc.ioctl(descriptor, Libc.FIONREAD, &bytes) == 0) return bytes;
        throw IpcException.FromErrno("ioctl(FIONREAD)", Marshal.GetLastPInvokeError(), address.Text);
    }

    /// <summary>Opens one end through /proc. The new open file description (open(2)) shares no flags or locks with any other.</summary>
    /// <param name="processId">The process whose descriptor it is; 0 for this one.</param>
    /// <param name="descriptor">The number of the descriptor. Either end of the pipe leads to both.</param>
    /// <param name="flags">O_RDONLY or O_WRONLY.</param>
    /// <param name="address">For the error.</param>
    public static SafeDescriptor Reopen(int processId, int descriptor, int flags, IpcAddress address)
    {
        var path = processId == 0 ? ProcFile.Descriptor(descriptor) : ProcFile.Descriptor(processId, descriptor);
        if (FileStatus.TryOf(path, followLinks: true) is not { } stat)
        {
            throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text,
                "An anonymous pipe exists as long as a process has it open, and only processes of the same user reach it.");
        }
        if (!stat.IsType(Libc.S_IFIFO)) throw new IpcException(IpcErrors.WrongKind, $"'{address}' is not a pipe.", address.Text);
        var fd = Libc.open(path, flags | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0);
        if (fd >= 0) return new SafeDescriptor(fd);
        var errno = Marshal.GetLastPInvokeError();
        throw errno == Errno.ENXIO ? NoReader(address) : IpcException.FromErrno("open", errno, address.Text);
    }
}
