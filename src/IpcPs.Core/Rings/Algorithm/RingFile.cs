using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IpcPs.Files;

namespace IpcPs.Rings.Algorithm;

/// <summary>A ring's file in /dev/shm: made whole before it has a name, checked before it is believed, and unlinked by who leaves it last.</summary>
/// <remarks>Who takes part is known by locks on bytes far behind the file's end: one shared by all participants, one by the writers, one by the readers, one exclusive
/// for each participant's token. The kernel gives them up with the open file, however the process ends.
/// Calls: open(2) with O_TMPFILE, fallocate(2), linkat(2), statx(2), unlink(2), fcntl(2) with F_OFD_SETLK.</remarks>
internal sealed unsafe class RingFile : IDisposable
{
    public const string Folder = "/dev/shm";
    public const string Prefix = "ipcps-ring.";

    private const long LocksAt = 1L << 40;
    private const long ParticipantsAt = LocksAt;
    private const long WritersAt = LocksAt + 1;
    private const long ReadersAt = LocksAt + 2;
    private const long DoorAt = LocksAt + 3;
    private const long TokensAt = 1L << 41;

    // Opening and leaving take microseconds; only a process that was stopped in the middle of one makes others wait.
    private static readonly TimeSpan DoorPatience = TimeSpan.FromSeconds(5);

    // Null for one that has no name.
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

    public RingHeader Header { get; }

    /// <summary>Where the ring of that name is.</summary>
    public static string PathOf(IpcAddress address) => $"{Folder}/{Prefix}{address.Name}";

    /// <summary>Makes a ring and attaches to it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (no room in /dev/shm),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static RingFile Create(IpcAddress address, in RingOptions options) => Create(address, options, isUnnamed: false);

    /// <summary>Makes a ring that has no name, and attaches to it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/> (no room in /dev/shm).</exception>
    public static RingFile CreateUnnamed(IpcAddress address) => Create(address, new RingOptions(), isUnnamed: true);

    /// <summary>Attaches to a ring that has no name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidData"/>.</exception>
    public static RingFile OpenUnnamed(IpcAddress address, SafeDescriptor descriptor)
    {
        try
        {
            var header = RingHeader.Read(descriptor, address);
            OfdLock.TryTake(descriptor, ParticipantsAt, exclusive: false, address.Text);
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
            ?? throw new IpcException(IpcErrors.PlatformNotSupported, $"{Folder} is no tmpfs on this machine, and rings need one.", address.Text, $"Mount one: 'mount -t tmpfs tmpfs {Folder}'.");
        var file = new RingFile(descriptor, address, header, isUnnamed);
        try
        {
            FileAllocation.Reserve(file.Descriptor, 0, RingLayout.DataOffset + header.Capacity, address, default);
            file.WriteHeader();
            OfdLock.TryTake(file.Descriptor, ParticipantsAt, exclusive: false, address.Text);
            if (file._path is { } path) file.Publish(path);
            return file;
        }
        catch
        {
            file.Descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Opens a ring that exists and attaches to it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.WrongKind"/> (not a ring),
    /// <see cref="IpcErrors.InvalidData"/> (a damaged one, or of another version).</exception>
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
                if (Enter(descriptor, path, address.Text, wait)) return new RingFile(descriptor, address, header);
                descriptor.Dispose();
            }
            catch
            {
                descriptor.Dispose();
                throw;
            }
        }
    }

    /// <summary>Whether a process has the ring of that name open; false too where there is none, or it can't be opened.</summary>
    public static bool IsInUse(IpcAddress address)
    {
        var fd = Libc.open(PathOf(address), Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, 0);
        if (fd < 0) return false;
        using var descriptor = new SafeDescriptor(fd);
        return OfdLock.IsTaken(descriptor, ParticipantsAt, address.Text);
    }

    /// <summary>Takes a token that no living participant has, and neither lock of the ring.</summary>
    /// <param name="hint">Where to begin; the next one's beginning afterwards.</param>
    /// <param name="isHeld">Whether a lock of the ring still has a token: that of a dead owner.</param>
    public uint TakeToken(ref uint hint, Func<uint, bool> isHeld)
    {
        while (true)
        {
            // Consecutive, so that one is not given again soon: who has found an owner dead must not meet it alive again.
            var token = Interlocked.Increment(ref hint) & RingLayout.TokenMask;
            if (token == 0 || !OfdLock.TryTake(Descriptor, TokensAt + token, exclusive: true, _target)) continue;
            if (!isHeld(token)) return token;
            OfdLock.Release(Descriptor, TokensAt + token);
        }
    }

    public bool IsAlive(uint token) => OfdLock.IsTaken(Descriptor, TokensAt + token, _target);

    public bool HasOtherWriters() => OfdLock.IsTaken(Descriptor, WritersAt, _target);

    public bool HasOtherReaders() => OfdLock.IsTaken(Descriptor, ReadersAt, _target);

    public void AttachWriter() => OfdLock.TryTake(Descriptor, WritersAt, exclusive: false, _target);

    public void AttachReader() => OfdLock.TryTake(Descriptor, ReadersAt, exclusive: false, _target);

    public void DetachWriter() => OfdLock.Release(Descriptor, WritersAt);

    public void DetachReader() => OfdLock.Release(Descriptor, ReadersAt);

    /// <summary>Leaves the ring; who leaves last unlinks it, unless it is to stay.</summary>
    /// <param name="persists">Whether it is to stay.</param>
    public void Leave(bool persists)
    {
        if (!OfdLock.Take(Descriptor, DoorAt, exclusive: true, _target, Deadline.After(DoorPatience))) return;
        OfdLock.Release(Descriptor, ParticipantsAt);
        if (!persists && _path is not null && !OfdLock.IsTaken(Descriptor, ParticipantsAt, _target) && IsAt(Descriptor, _path)) _ = Libc.unlink(_path);
        OfdLock.Release(Descriptor, DoorAt);
    }

    public void Dispose() => Descriptor.Dispose();

    /// <summary>Becomes a participant, unless the last one has unlinked the file meanwhile.</summary>
    private static bool Enter(SafeDescriptor descriptor, string path, string target, in WaitOptions wait)
    {
        var patience = wait.Deadline.IsInfinite || wait.Deadline.IsImmediate ? Deadline.After(DoorPatience) : wait.Deadline;
        if (!OfdLock.Take(descriptor, DoorAt, exclusive: true, target, new(patience, wait.Cancellation))) throw IpcException.TimedOut($"another process that is opening or leaving '{target}'", target, patience);
        OfdLock.TryTake(descriptor, ParticipantsAt, exclusive: false, target);
        var isThere = IsAt(descriptor, path);
        OfdLock.Release(descriptor, DoorAt);
        return isThere;
    }

    private static bool IsAt(SafeDescriptor descriptor, string path)
    {
        Libc.Statx open, named;
        return Libc.statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &open) == 0
            && Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &named) == 0
            && open.Inode == named.Inode && open.DeviceMajor == named.DeviceMajor && open.DeviceMinor == named.DeviceMinor;
    }

    private void WriteHeader()
    {
        var bytes = stackalloc byte[RingHeader.Size];
        Header.Write(new Span<byte>(bytes, RingHeader.Size));
        // Somewhere in the middle: a token that was given in a ring of this name before means nothing in this one.
        BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(bytes + RingLayout.NextToken, 4), RandomNumberGenerator.GetInt32(1, int.MaxValue / 2));
        if (Libc.pwrite(Descriptor, bytes, RingHeader.Size, 0) != RingHeader.Size) throw IpcException.FromErrno("pwrite", Marshal.GetLastPInvokeError(), _target);
    }

    private void Publish(string path)
    {
        try
        {
            AtomicFile.Publish(Descriptor, path, _target);
        }
        catch (IpcException e) when (e.Id == IpcErrors.AlreadyExists && !IsInUse(IpcAddress.Parse(_target)))
        {
            throw new IpcException(e.Id, e.Message, _target, "No process has it open. Open it to get what is in it, or remove it.", e)
            { Errno = e.Errno, Call = e.Call, Advice = IpcAdvice.OpenOrRemove };
        }
    }
}
