using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IpcPs.Files;
using IpcPs.Messaging;

namespace IpcPs.Rings.Algorithm;

/// <summary>A ring's file in /dev/shm. It is complete before it has a name, it is checked when it is opened, and the last participant that
/// detaches unlinks it.</summary>
/// <remarks>Locks on bytes far after the file's end show which participants there are: one byte that all participants share, one for the
/// writers, one for the readers, and an exclusive one for each participant's token. The kernel releases them with the open file
/// description, however the process ends.
/// Calls: open(2) with O_TMPFILE, fallocate(2), linkat(2), statx(2), unlink(2), fcntl(2) with F_OFD_SETLK.</remarks>
internal sealed unsafe class RingFile : IDisposable
{
    public const string Folder = "/dev/shm";
    public const string Prefix = "ipcps-ring.";

    /// <summary>The byte that each writer locks.</summary>
    public const long WritersAt = LocksAt + 1;

    /// <summary>The byte that each reader locks.</summary>
    public const long ReadersAt = LocksAt + 2;

    private const long LocksAt = 1L << 40;
    private const long ParticipantsAt = LocksAt;
    private const long AttachLockAt = LocksAt + 3;
    private const long TokensAt = 1L << 41;

    // Attaching and detaching take microseconds. Only a process that is stopped meanwhile makes others wait.
    private static readonly TimeSpan AttachTimeout = TimeSpan.FromSeconds(5);

    // Null if the ring has no name.
    private readonly string? _path;
    private readonly string _target;

    private RingFile(SafeDescriptor descriptor, IpcAddress address, RingHeader header, bool isUnnamed = false)
    {
        Descriptor = descriptor;
        Header = header;
        _path = isUnnamed ? null : PathOf(address);
        _target = address.Text;
    }

    public SafeDescriptor Descriptor { get; }

    public bool IsUnnamed => _path is null;

    public RingHeader Header { get; }

    /// <summary>The path of a ring's file.</summary>
    public static string PathOf(IpcAddress address) => $"{Folder}/{Prefix}{address.Name}";

    /// <summary>Creates a ring and attaches to it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (/dev/shm is full),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static RingFile Create(IpcAddress address, in RingOptions options) => Create(address, options, isUnnamed: false);

    /// <summary>Creates a ring without a name, and attaches to it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/> (/dev/shm is full).</exception>
    public static RingFile CreateUnnamed(IpcAddress address, RingDelivery delivery) =>
        Create(address, new RingOptions { Delivery = delivery }, isUnnamed: true);

    /// <summary>Attaches to a ring without a name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidData"/>.</exception>
    public static RingFile OpenUnnamed(IpcAddress address, SafeDescriptor descriptor)
    {
        try
        {
            var header = RingHeader.Read(descriptor, address);
            OfdLock.TryAcquire(descriptor, ParticipantsAt, exclusive: false, address.Text);
            return new RingFile(descriptor, address, header, isUnnamed: true);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static RingFile Create(IpcAddress address, in RingOptions options, bool isUnnamed)
    {
        var header = RingHeader.For(options);
        var descriptor = AtomicFile.Create(Folder, options.Mode, address.Text)
            ?? throw new IpcException(IpcErrors.PlatformNotSupported, $"Rings need a tmpfs at {Folder}, and it is another file system.",
                address.Text, $"Mount a tmpfs: 'mount -t tmpfs tmpfs {Folder}'.");
        var file = new RingFile(descriptor, address, header, isUnnamed);
        try
        {
            FileAllocation.Reserve(file.Descriptor, 0, RingLayout.DataOffset + header.Capacity, address, default);
            file.WriteHeader();
            OfdLock.TryAcquire(file.Descriptor, ParticipantsAt, exclusive: false, address.Text);
            if (file._path is { } path) file.Publish(path);
            return file;
        }
        catch
        {
            file.Descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Opens a ring and attaches to it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/> (not a ring), <see cref="IpcErrors.InvalidData"/> (damaged, or of another version).</exception>
    public static RingFile Open(IpcAddress address, in WaitOptions wait)
    {
        var path = PathOf(address);
        while (true)
        {
            var fd = Libc.open(path, Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, 0);
            if (fd < 0) throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text);
            var descriptor = new SafeDescriptor(fd);
            try
            {
                var header = RingHeader.Read(descriptor, address);
                if (TryAttach(descriptor, path, address.Text, wait)) return new RingFile(descriptor, address, header);
                descriptor.Dispose();
            }
            catch
            {
                descriptor.Dispose();
                throw;
            }
        }
    }

    /// <summary>Whether a process has the ring open. False also if there is no such ring, or it cannot be opened.</summary>
    public static bool IsInUse(IpcAddress address)
    {
        var fd = Libc.open(PathOf(address), Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, 0);
        if (fd < 0) return false;
        using var descriptor = new SafeDescriptor(fd);
        return OfdLock.IsHeld(descriptor, ParticipantsAt, address.Text);
    }

    /// <summary>Acquires a token that no living participant has, and that neither lock of the ring contains.</summary>
    /// <param name="hint">Where the search begins. It is set to where the next search begins.</param>
    /// <param name="isHeld">Whether a lock of the ring contains a token, of a dead owner.</param>
    public uint AcquireToken(ref uint hint, Func<uint, bool> isHeld)
    {
        while (true)
        {
            // Consecutive, so that no token is used again soon: a participant that has found an owner dead must not find it alive again.
            var token = Interlocked.Increment(ref hint) & RingLayout.TokenMask;
            if (token == 0 || !OfdLock.TryAcquire(Descriptor, TokensAt + token, exclusive: true, _target)) continue;
            if (!isHeld(token)) return token;
            OfdLock.Release(Descriptor, TokensAt + token);
        }
    }

    public bool IsAlive(uint token) => OfdLock.IsHeld(Descriptor, TokensAt + token, _target);

    public bool HasOtherWriters() => OfdLock.IsHeld(Descriptor, WritersAt, _target);

    public bool HasOtherReaders() => OfdLock.IsHeld(Descriptor, ReadersAt, _target);

    public void AttachWriter() => OfdLock.TryAcquire(Descriptor, WritersAt, exclusive: false, _target);

    public void AttachReader() => OfdLock.TryAcquire(Descriptor, ReadersAt, exclusive: false, _target);

    public void DetachWriter() => OfdLock.Release(Descriptor, WritersAt);

    public void DetachReader() => OfdLock.Release(Descriptor, ReadersAt);

    /// <summary>Detaches from the ring. The last participant unlinks the file, unless the ring persists.</summary>
    public void Detach(bool persists)
    {
        if (!OfdLock.Acquire(Descriptor, AttachLockAt, exclusive: true, _target, Deadline.After(AttachTimeout))) return;
        OfdLock.Release(Descriptor, ParticipantsAt);
        if (_path is not null && !OfdLock.IsHeld(Descriptor, ParticipantsAt, _target)) LeaveAsLast(_path, persists);
        OfdLock.Release(Descriptor, AttachLockAt);
    }

    public void Dispose() => Descriptor.Dispose();

    /// <summary>Attaches, unless the last participant has unlinked the file meanwhile.</summary>
    private static bool TryAttach(SafeDescriptor descriptor, string path, string target, in WaitOptions wait)
    {
        var until = wait.Deadline.IsInfinite || wait.Deadline.IsImmediate ? Deadline.After(AttachTimeout) : wait.Deadline;
        if (!OfdLock.Acquire(descriptor, AttachLockAt, exclusive: true, target, new(until, wait.Cancellation)))
            throw IpcException.TimedOut($"another process that is opening or closing '{target}'", target, until);
        OfdLock.TryAcquire(descriptor, ParticipantsAt, exclusive: false, target);
        var isThere = IsAt(descriptor, path);
        OfdLock.Release(descriptor, AttachLockAt);
        return isThere;
    }

    // A ring that was removed while participants had it open ends here too. The name may be another ring's by then.
    private void LeaveAsLast(string path, bool persists)
    {
        var isOurs = IsAt(Descriptor, path);
        if (isOurs ? persists : FileStatus.TryOf(path) is not null) return;
        var large = LargeMessage.NamesOf(IpcAddress.Parse(_target));
        if (isOurs) _ = Libc.unlink(path);
        LargeMessage.Remove(large);
    }

    private static bool IsAt(SafeDescriptor descriptor, string path) =>
        FileStatus.TryOf(descriptor)?.Id is { } open && FileStatus.TryOf(path)?.Id == open;

    private void WriteHeader()
    {
        var bytes = stackalloc byte[RingHeader.Size];
        Header.Write(new Span<byte>(bytes, RingHeader.Size));
        // A random start, so that tokens of an earlier ring of this name mean nothing in this one.
        var token = RandomNumberGenerator.GetInt32(1, int.MaxValue / 2);
        BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(bytes + RingLayout.NextToken, 4), token);
        if (Libc.pwrite(Descriptor, bytes, RingHeader.Size, 0) != RingHeader.Size)
            throw IpcException.FromErrno("pwrite", Marshal.GetLastPInvokeError(), _target);
    }

    private void Publish(string path)
    {
        try
        {
            AtomicFile.Publish(Descriptor, path, _target);
        }
        catch (IpcException e) when (e.Id == IpcErrors.AlreadyExists && !IsInUse(IpcAddress.Parse(_target)))
        {
            throw new IpcException(e.Id, e.Message, _target, "No process has it open. Open it to receive its messages, or remove it.", e)
            { Errno = e.Errno, Call = e.Call, Advice = IpcAdvice.OpenOrRemove };
        }
    }
}
