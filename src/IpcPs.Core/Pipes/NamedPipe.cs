using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;

namespace IpcPs.Pipes;

/// <summary>A named pipe (fifo(7)): a pipe with a path, by which processes open it that have no other connection.</summary>
/// <remarks>The first send or receive opens its end. A sender waits for a reader, and a receiver for a writer. After the last writer has
/// closed, a receiver gets what is left and then sees the end of the stream; the next receive waits for the next writer. When the last
/// process closes the pipe, the bytes in it are lost. Writes of up to PIPE_BUF (4096) bytes stay whole among any number of writers. The
/// receiver puts larger Objects together from several writes. A longer line is refused while other IpcPs writers have the pipe open.
/// Calls: mkfifo(3), open(2), read(2), write(2), ppoll(2), flock(2).</remarks>
public sealed class NamedPipe : StreamChannel, IIpcPermissions, IIpcCapacity
{
    private readonly string _path;
    private readonly IpcAccess _access;
    private SafeDescriptor? _reader;
    private SafeDescriptor? _writer;
    // Opens neither end (O_PATH of open(2)): it shows other processes that the file is in use.
    private readonly SafeDescriptor _presence;
    private int _readSize = 64 * 1024;

    private NamedPipe(IpcAddress address, IpcAccess access, bool persistent) : base(address, PipeIO.AtomicWrite)
    {
        _path = RuntimeFolder.PathOf(address);
        _access = access;
        Persistent = persistent;
        _presence = new SafeDescriptor(Libc.open(_path, Libc.O_PATH | Libc.O_CLOEXEC | Libc.O_NOFOLLOW, 0));
    }

    /// <inheritdoc/>
    public override string Kind => "named pipe";

    /// <summary>Its path.</summary>
    public string Path => _path;

    /// <summary>Whether this end outlives its peers: when the last one has closed, a receiver waits for the next writer instead of seeing
    /// the end of the stream, and a sender waits for the next reader.</summary>
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
            {
                throw new IpcException(IpcErrors.InvalidOperation,
                    $"'{Address}' is not open: the kernel forgets the capacity of a named pipe that no process has open.", Address.Text,
                    "Set it after the first send or receive.");
            }
            PipeIO.SetCapacity(open, value, Address);
            _readSize = PipeIO.GetCapacity(open, Address);
        }
    }

    /// <summary>How many bytes were sent and not yet read; 0 while this process has no end open.</summary>
    public int PendingBytes => (_reader ?? _writer) is { IsClosed: false } open ? PipeIO.GetPending(open, Address) : 0;

    internal override int ReadSize => _readSize;

    /// <summary>Creates the FIFO. The umask does not change its mode.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.NotFound"/> (the folder).</exception>
    public static NamedPipe Create(IpcAddress address, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        ArgumentNullException.ThrowIfNull(address);
        var path = RuntimeFolder.PathOf(address);
        if (Libc.mkfifo(path, 0x180 /* 0600 */ & (uint)mode) != 0)
            throw IpcException.FromErrno("mkfifo", Marshal.GetLastPInvokeError(), address.Text);
        if (Libc.chmod(path, (uint)mode) != 0) throw IpcException.FromErrno("chmod", Marshal.GetLastPInvokeError(), address.Text);
        return new NamedPipe(address, IpcAccess.ReadWrite, persistent: false);
    }

    /// <summary>Opens a FIFO that exists. For writing only, it waits for a reader as long as the deadline allows; else the first receive or
    /// send waits.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.WrongKind"/>,
    /// <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.NoPeer"/> (does not wait).</exception>
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

    // The kernel has one lock for a pipe, which reads and writes hold.
    internal override bool ReadsExcludeWrites => true;

    internal override int TryRead(Span<byte> buffer)
    {
        var read = PipeIO.TryRead(_reader!, buffer, Address);
        // 0: no writer has the pipe open. Only poll(2) tells the end of the stream (it hangs up) from the time before the first writer.
        if (read == 0 && !HasHungUp(_reader!)) return -1;
        return read;
    }

    internal override int TryWrite(ReadOnlySpan<byte> bytes, in SendOptions options)
    {
        if (options.Handles is not null) throw PipeIO.NoDescriptors(Address);
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
        try
        {
            // Until this end is closed: it shows other IpcPs writers that they are not alone.
            WriterLock.AcquireShared(writer, Address, wait, Closing);
            return _writer = writer;
        }
        catch
        {
            // At once: while it is open, the reader sees no end of the stream.
            writer.Dispose();
            throw;
        }
    }

    internal override bool IsAtEnd => HasHungUp(_reader!);

    internal override bool ContinuesAfterEnd()
    {
        // A new open file description hangs up only after the next writer. It is opened before the old one is closed: the pipe stays open,
        // and nothing in it is lost.
        var old = _reader;
        _reader = OpenReader();
        old?.Dispose();
        return Persistent;
    }

    internal override bool ReconnectsWriter(in WaitOptions wait)
    {
        if (!Persistent) return false;
        // Opening it again waits for the next reader. The old end stays open, so that the bytes that are left in the pipe stay there.
        OpenWriter(wait).Dispose();
        return true;
    }

    internal override IDisposable? BeginLongWrite(int bytes) =>
        WriterLock.AcquireExclusive(_writer ?? WriterDescriptor(default), bytes, Address);

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
        // The folder is checked at each use: an object that is opened again much later must not follow a folder that is another user's by
        // then.
        var stat = FileStatus.Of(RuntimeFolder.PathOf(Address), Address.Text, "open");
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
        if (wait.Deadline.IsImmediate)
        {
            throw new IpcException(IpcErrors.NoPeer, $"No process has '{Address}' open for reading.", Address.Text,
                "Start the reader first, or wait for it.")
            { Advice = IpcAdvice.WaitForReader };
        }
        var call = new OpenCall(_path, flags);
        errno = InterruptibleCall.Invoke<OpenCall, int>(ref call, out fd, wait, Closing);
        if (errno == Errno.ETIMEDOUT) throw IpcException.TimedOut($"a reader on '{Address}'", Address.Text, wait.Deadline);
        if (errno != 0) throw IpcException.FromErrno("open", errno, Address.Text);
        var opened = new SafeDescriptor(fd);
        if (Libc.fcntl(opened, Libc.F_SETFL, Libc.O_NONBLOCK) == 0) return opened;
        throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), Address.Text);
    }

    private readonly struct OpenCall(string path, int flags) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = Libc.open(path, flags, 0)) >= 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}

/// <summary>Keeps long lines whole on a pipe with several writers. The kernel keeps a write of up to PIPE_BUF bytes together, and a longer
/// line needs several. So each IpcPs writer holds a shared flock(2) on the pipe while it has it open. A writer of a long line needs the
/// exclusive lock: then it is the only writer. Without it, the line is refused.</summary>
internal static class WriterLock
{
    /// <summary>Announces a writer; waits while another one writes a long line.</summary>
    public static void AcquireShared(SafeDescriptor writer, IpcAddress address, in WaitOptions wait, CancellationToken closing)
    {
        if (Libc.flock(writer, Libc.LOCK_SH | Libc.LOCK_NB) == 0) return;
        var call = new FlockCall(writer, Libc.LOCK_SH);
        var errno = wait.Deadline.IsImmediate ? Errno.ETIMEDOUT
            : InterruptibleCall.Invoke<FlockCall, int>(ref call, out _, wait, closing);
        if (errno == Errno.ETIMEDOUT)
            throw IpcException.TimedOut($"another writer's long line on '{address}'", address.Text, wait.Deadline, IpcErrors.Full);
        if (errno != 0) throw IpcException.FromErrno("flock", errno, address.Text);
    }

    /// <summary>Makes this the only IpcPs writer until the result is disposed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.MessageTooLarge"/>: others have the pipe open for writing.</exception>
    public static IDisposable AcquireExclusive(SafeDescriptor writer, int bytes, IpcAddress address)
    {
        if (Libc.flock(writer, Libc.LOCK_EX | Libc.LOCK_NB) == 0) return new Exclusive(writer);
        var errno = Marshal.GetLastPInvokeError();
        // flock(2) released the shared lock before it failed.
        _ = Libc.flock(writer, Libc.LOCK_SH | Libc.LOCK_NB);
        if (errno != Errno.EAGAIN) throw IpcException.FromErrno("flock", errno, address.Text);
        throw new IpcException(IpcErrors.MessageTooLarge,
            $"A line of {bytes} bytes would be mixed with other lines on '{address}': other writers have the pipe open, and the kernel "
            + $"keeps at most {PipeIO.AtomicWrite} bytes (PIPE_BUF) together.", address.Text,
            "Send it with format Object, which the receiver puts together again, or use a queue or a socket.")
        { Advice = IpcAdvice.SetFormat };
    }

    private sealed class Exclusive(SafeDescriptor writer) : IDisposable
    {
        public void Dispose()
        {
            if (!writer.IsClosed) _ = Libc.flock(writer, Libc.LOCK_SH);
        }
    }
}
