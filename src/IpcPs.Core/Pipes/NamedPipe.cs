using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;

namespace IpcPs.Pipes;

/// <summary>A named pipe (fifo(7)): a pipe with a place in the file system, so that processes which don't know each other meet there.</summary>
/// <remarks>Either end is opened by the first send or receive. A sender waits until a reader is there, a receiver until a writer is; when the last writer
/// leaves, what it sent is received and then the end, and the next receive waits for the next writer. Bytes that nobody has received are gone
/// when the last process closes the pipe. Each write of up to PIPE_BUF (4096) bytes stays whole among any number of writers;
/// larger Objects are split and put together by the receiver; a longer line is refused while other IpcPs writers have the pipe open.
/// Calls: mkfifo(3), open(2), read(2), write(2), ppoll(2), flock(2).</remarks>
public sealed class NamedPipe : StreamChannel, IIpcPermissions, IIpcCapacity
{
    private readonly string _path;
    private readonly IpcAccess _access;
    private SafeDescriptor? _reader;
    private SafeDescriptor? _writer;
    // Holds the file without opening either end, so that others see that somebody uses it (O_PATH, open(2)).
    private readonly SafeDescriptor _presence;
    private int _readSize = 64 * 1024;

    private NamedPipe(IpcAddress address, IpcAccess access, bool persistent) : base(address, PipeIO.AtomicWrite)
    {
        _path = address.Path!;
        _access = access;
        Persistent = persistent;
        _presence = new SafeDescriptor(Libc.open(_path, Libc.O_PATH | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0));
    }

    /// <inheritdoc/>
    public override string Kind => "named pipe";

    /// <summary>Where it is.</summary>
    public string Path => _path;

    /// <summary>Whether this end outlives its peers: a receiver waits for the next writer instead of seeing the end, a sender whose last reader left
    /// waits for the next one.</summary>
    public bool Persistent { get; }

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && _access.HasFlag(IpcAccess.Write) && _writer is not { IsClosed: true };

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed && _access.HasFlag(IpcAccess.Read);

    /// <inheritdoc/>
    public UnixFileMode Mode
    {
        get => RequireFifo().Mode;
        set
        {
            RequireFifo();
            FilePermissions.SetMode(_path, value, Address.Text);
        }
    }

    /// <inheritdoc/>
    public string Owner
    {
        get => RequireFifo().Owner;
        set
        {
            RequireFifo();
            FilePermissions.SetOwner(_path, value, Address.Text);
        }
    }

    /// <inheritdoc/>
    public string Group
    {
        get => RequireFifo().Group;
        set
        {
            RequireFifo();
            FilePermissions.SetGroup(_path, value, Address.Text);
        }
    }

    /// <inheritdoc cref="PipeChannel.Capacity"/>
    public long Capacity
    {
        get
        {
            using var probe = Probe();
            return PipeIO.GetCapacity(_reader ?? _writer ?? probe!, Address);
        }
        set
        {
            if ((_reader ?? _writer) is not { } open)
                throw new IpcException(IpcErrors.InvalidOperation, $"'{Address}' is not open: the kernel forgets the capacity of a named pipe that no process has open.", Address.Text, "Set it after the first send or receive.");
            PipeIO.SetCapacity(open, value, Address);
            _readSize = PipeIO.GetCapacity(open, Address);
        }
    }

    /// <summary>Bytes sent and not yet read; 0 while this process has no end open.</summary>
    public int PendingBytes => (_reader ?? _writer) is { IsClosed: false } open ? PipeIO.GetPending(open, Address) : 0;

    internal override int ReadSize => _readSize;

    /// <summary>Creates the FIFO. Its mode is as asked, whatever the umask.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.NotFound"/> (the folder).</exception>
    public static NamedPipe Create(IpcAddress address, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Name is not null) RuntimeFolder.Ensure();
        if (Libc.mkfifo(address.Path!, 0x180 /* 0600 */ & (uint)mode) != 0) throw IpcException.FromErrno("mkfifo", Marshal.GetLastPInvokeError(), address.Text);
        if (Libc.chmod(address.Path!, (uint)mode) != 0) throw IpcException.FromErrno("chmod", Marshal.GetLastPInvokeError(), address.Text);
        return new NamedPipe(address, IpcAccess.ReadWrite, persistent: false);
    }

    /// <summary>Opens a FIFO that exists. For writing it waits for a reader, as long as the deadline allows; for reading, and for both, the first
    /// receive or send does the waiting.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.NoPeer"/> (immediate deadline).</exception>
    public static NamedPipe Open(IpcAddress address, IpcAccess access, bool persistent = false, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var pipe = new NamedPipe(address, access, persistent);
        pipe.RequireFifo();
        try
        {
            if (access == IpcAccess.Write) pipe.WriterDescriptor(wait);
            if (access == IpcAccess.Read) pipe.ReaderDescriptor(wait);
            return pipe;
        }
        catch
        {
            pipe.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void CompleteSending()
    {
        RequireSend();
        _writer?.Dispose();
        _writer = null;
    }

    // Both take the pipe's one lock.
    internal override bool ReadsExcludeWrites => true;

    internal override int TryRead(Span<byte> buffer)
    {
        var read = PipeIO.TryRead(_reader!, buffer, Address);
        // Nothing to read and nobody to write: the end, or the time before the first writer. Only poll(2) tells them apart (it hangs up once a writer was there).
        if (read == 0 && !HasHungUp(_reader!)) return -1;
        return read;
    }

    internal override int TryWrite(ReadOnlySpan<byte> bytes, in SendOptions options)
    {
        if (options.Handles is not null)
            throw new IpcException(IpcErrors.NotSupported, "A pipe does not carry descriptors.", Address.Text) { Advice = IpcAdvice.UseUnixSocket };
        return PipeIO.TryWrite(_writer!, bytes, Address);
    }

    internal override SafeDescriptor ReaderDescriptor(in WaitOptions wait)
    {
        if (_reader is not null) return _reader;
        _reader = OpenReader();
        _readSize = PipeIO.GetCapacity(_reader, Address);
        return _reader;
    }

    internal override SafeDescriptor WriterDescriptor(in WaitOptions wait)
    {
        if (_writer is not null) return _writer;
        var writer = OpenWriter(wait);
        // Held for as long as the end is open: what a writer of a long line looks at.
        WriterLock.Share(writer, Address, wait, Closing);
        return _writer = writer;
    }

    internal override bool ContinuesAfterEnd()
    {
        // A fresh description hangs up only after the next writer. The new one is opened before the old one is closed: between them nothing is lost.
        var old = _reader;
        _reader = OpenReader();
        old?.Dispose();
        return Persistent;
    }

    internal override bool ReconnectsWriter(in WaitOptions wait)
    {
        if (!Persistent) return false;
        // Opening again waits for the next reader. The old end stays open, and with it what the last reader left in the pipe.
        OpenWriter(wait).Dispose();
        return true;
    }

    internal override IDisposable? BeginLongWrite(int bytes) => WriterLock.TakeAlone(_writer ?? WriterDescriptor(default), bytes, Address);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _reader?.Dispose();
        _writer?.Dispose();
        _presence.Dispose();
    }

    private static unsafe bool HasHungUp(SafeDescriptor reader)
    {
        var poll = new Libc.PollFd { Descriptor = reader.Number, Requested = PollEvents.In };
        var now = default(Libc.Timespec);
        return Libc.ppoll(&poll, 1, &now, null) > 0 && (poll.Returned & (PollEvents.HangUp | PollEvents.In)) == PollEvents.HangUp;
    }

    private FileStatus RequireFifo()
    {
        var stat = FileStatus.Of(_path, Address.Text, "open");
        if (!stat.IsType(Libc.S_IFIFO)) throw new IpcException(IpcErrors.WrongKind, $"'{_path}' is not a named pipe.", Address.Text);
        return stat;
    }

    private SafeDescriptor? Probe() => _reader is null && _writer is null ? OpenReader() : null;

    private SafeDescriptor OpenReader()
    {
        RequireFifo();
        var fd = Libc.open(_path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0);
        return fd >= 0 ? new SafeDescriptor(fd) : throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), Address.Text);
    }

    private SafeDescriptor OpenWriter(in WaitOptions wait)
    {
        RequireFifo();
        var flags = Libc.O_WRONLY | Libc.O_CLOEXEC | Libc.O_NOFOLLOW;
        var fd = Libc.open(_path, flags | Libc.O_NONBLOCK, 0);
        if (fd >= 0) return new SafeDescriptor(fd);
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.ENXIO) throw IpcException.FromErrno("open", errno, Address.Text);
        if (wait.Deadline.IsImmediate) throw new IpcException(IpcErrors.NoPeer, $"Nobody has '{Address}' open for reading.", Address.Text, "Start the reader first, or wait for it.") { Advice = IpcAdvice.WaitForReader };
        var call = new OpenCall(_path, flags);
        errno = InterruptibleCall.Invoke<OpenCall, int>(ref call, out fd, wait, Closing);
        if (errno == Errno.ETIMEDOUT) throw IpcException.TimedOut($"a reader on '{Address}'", Address.Text, wait.Deadline);
        if (errno != 0) throw IpcException.FromErrno("open", errno, Address.Text);
        var opened = new SafeDescriptor(fd);
        return Libc.fcntl(opened, Libc.F_SETFL, Libc.O_NONBLOCK) == 0 ? opened : throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), Address.Text);
    }

    private readonly struct OpenCall(string path, int flags) : IBlockingCall<int>
    {
        public int Invoke(out int result)
        {
            result = Libc.open(path, flags, 0);
            return result >= 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }
}
