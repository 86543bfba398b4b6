using System.Diagnostics;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.SharedMemory;

namespace IpcPs.Locks;

/// <summary>A POSIX named semaphore (sem_overview(7)), <c>sem:/NAME</c>, in glibc's own format: what C opens with sem_open(3) and Python with posix_ipc. It has a value and no
/// owner: whoever waits takes one, whoever posts gives one, and what a killed process had taken nobody gives back. Where that matters take a
/// <see cref="IpcMutex"/>, or a <see cref="SysVSemaphoreSet"/>.</summary>
/// <remarks>The file in /dev/shm is checked and mapped here, and not by sem_open(3), which maps whatever it finds; then the library's functions work on it.
/// Calls: open(2), mmap(2), sem_trywait(3), sem_wait(3), sem_post(3), sem_getvalue(3); sched_yield(2) while it spins.</remarks>
public sealed unsafe class PosixSemaphore : IpcLock
{
    /// <summary>SEM_VALUE_MAX.</summary>
    public const int MaxValue = int.MaxValue;

    // sizeof(sem_t), and in it as struct new_sem: value (the lower half of 64 bits), waiters (the upper half), the futex flag, padding.
    private const int FileSize = 32;
    private const int WaitersAt = 4;
    private const int FlagAt = 8;
    private const int PaddingAt = 12;
    private const int SharedFlag = 128;

    private readonly SafeDescriptor _file;
    private readonly MappedRegion _region;
    private AdaptiveWait _spin;

    private PosixSemaphore(IpcAddress address, SafeDescriptor file, MappedRegion region) : base(address)
    {
        _file = file;
        _region = region;
    }

    /// <inheritdoc/>
    public override string Kind => "POSIX semaphore";

    /// <inheritdoc/>
    public override UnixFileMode Mode
    {
        get => FileStatus.Of(OpenFile, Address.Text).Mode;
        set => FilePermissions.SetMode(OpenFile, value, Address.Text);
    }

    /// <inheritdoc/>
    public override string Owner
    {
        get => FileStatus.Of(OpenFile, Address.Text).Owner;
        set => FilePermissions.SetOwner(OpenFile, value, Address.Text);
    }

    /// <inheritdoc/>
    public override string Group
    {
        get => FileStatus.Of(OpenFile, Address.Text).Group;
        set => FilePermissions.SetGroup(OpenFile, value, Address.Text);
    }

    /// <summary>The value now: how many can be taken without waiting.</summary>
    public int Value
    {
        get
        {
            using var hold = Enter();
            int value;
            _ = Libc.sem_getvalue(hold.Start, &value);
            ThrowIfCut(hold);
            return value;
        }
    }

    /// <summary>How many wait now, in all processes. glibc counts them for itself; no function of it tells.</summary>
    public int Waiters
    {
        get
        {
            using var hold = Enter();
            var waiters = Volatile.Read(ref *(int*)(hold.Start + WaitersAt));
            ThrowIfCut(hold);
            return waiters;
        }
    }

    /// <summary>Creates a semaphore. Nobody can open it before it has its value; its mode is as asked, whatever the umask.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.InvalidArgument"/>,
    /// <see cref="IpcErrors.LimitReached"/> (/dev/shm is full), <see cref="IpcErrors.PlatformNotSupported"/> (no /dev/shm).</exception>
    public static PosixSemaphore Create(IpcAddress address, int initialValue = 1, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (initialValue < 0) throw IpcException.Argument($"A semaphore counts from 0 to {MaxValue}, and {initialValue} is not within.", address.Text);
        PosixSharedMemory.RequireFolder(address);
        var path = PathOf(address);
        if (Path.Exists(path)) throw IpcException.FromErrno("open", Errno.EEXIST, address.Text);
        var content = stackalloc byte[FileSize];
        new Span<byte>(content, FileSize).Clear();
        _ = Libc.sem_init(content, 1, (uint)initialValue);
        var file = AtomicFile.Create(PosixSharedMemory.Folder, mode, address.Text);
        var isPublished = file is null;
        file ??= AtomicFile.CreateInPlace(path, mode, address.Text);
        try
        {
            FileAllocation.Reserve(file, 0, FileSize, address, CancellationToken.None);
            if (Libc.pwrite(file, content, FileSize, 0) != FileSize) throw IpcException.FromErrno("pwrite", Marshal.GetLastPInvokeError(), address.Text);
            var region = MappedRegion.Map(file, FileSize, isReadOnly: false, address.Text);
            if (!isPublished) AtomicFile.Publish(file, path, address.Text);
            return new PosixSemaphore(address, file, region);
        }
        catch
        {
            if (isPublished) _ = Libc.unlink(path);
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a semaphore that exists. A file that is none is refused.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/> (a semaphore must be written to be used),
    /// <see cref="IpcErrors.WrongKind"/> and <see cref="IpcErrors.InvalidData"/> (the file is no semaphore of glibc's).</exception>
    public static PosixSemaphore Open(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        PosixSharedMemory.RequireFolder(address);
        var fd = Libc.open(PathOf(address), Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, 0);
        if (fd < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            throw errno is Errno.ELOOP or Errno.EISDIR or Errno.ENXIO ? Foreign(address, "it is not a regular file") : IpcException.FromErrno("open", errno, address.Text);
        }
        var file = new SafeDescriptor(fd);
        MappedRegion? region = null;
        try
        {
            var status = FileStatus.Of(file, address.Text);
            if (!status.IsType(Libc.S_IFREG)) throw Foreign(address, "it is not a regular file");
            if (status.Size != FileSize) throw Foreign(address, $"it has {status.Size} bytes, and glibc's semaphores have {FileSize}");
            region = MappedRegion.Map(file, FileSize, isReadOnly: false, address.Text);
            var semaphore = new PosixSemaphore(address, file, region);
            semaphore.RequireSound();
            return semaphore;
        }
        catch
        {
            region?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Takes <see cref="LockOptions.Count"/>, one after the other (sem_wait(3)); when that fails half way, what was taken is given back. Two who take several each can
    /// block each other for good: a System V set takes several at once.</summary>
    /// <inheritdoc/>
    public override void Acquire(in LockOptions options, in WaitOptions wait = default)
    {
        Check(options);
        using var hold = Enter();
        for (var taken = 0; taken < options.Count; taken++)
        {
            var done = false;
            try
            {
                done = Take(hold, wait);
            }
            finally
            {
                if (!done && taken > 0) Post(hold, taken);
            }
            if (!done) throw TimedOut(wait.Deadline);
        }
    }

    /// <summary>Gives <see cref="LockOptions.Count"/> (sem_post(3)); anybody may, also who has taken none.</summary>
    /// <inheritdoc/>
    public override void Release(in LockOptions options)
    {
        Check(options);
        using var hold = Enter();
        Post(hold, options.Count);
    }

    internal static string PathOf(IpcAddress address) => $"{PosixSharedMemory.Folder}/sem.{address.Name}";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _region.Dispose();
        _file.Dispose();
    }

    private SafeDescriptor OpenFile
    {
        get
        {
            ThrowIfClosed();
            return _file;
        }
    }

    private bool Take(in MappedRegion.Hold hold, in WaitOptions wait)
    {
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        var attempt = new TakeAttempt(hold.Start);
        var done = attempt.TryOnce() || (!wait.Deadline.IsImmediate && (Waiter.Spin(ref attempt, ref _spin) || Block(hold, wait, out attempt.Errno)));
        ThrowIfCut(hold);
        if (attempt.Errno is not (0 or Errno.EAGAIN)) throw IpcException.FromErrno("sem_wait", attempt.Errno, Address.Text);
        return done;
    }

    private bool Block(in MappedRegion.Hold hold, in WaitOptions wait, out int errno)
    {
        var since = Stopwatch.GetTimestamp();
        var call = new WaitCall(hold.Start);
        errno = InterruptibleCall.Invoke<WaitCall, int>(ref call, out _, wait, Closing);
        _spin.Blocked(Stopwatch.GetTimestamp() - since);
        if (errno != Errno.ETIMEDOUT) return errno == 0;
        errno = 0;
        return false;
    }

    private void Post(in MappedRegion.Hold hold, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var result = Libc.sem_post(hold.Start);
            var errno = Marshal.GetLastPInvokeError();
            ThrowIfCut(hold);
            if (result == 0) continue;
            if (errno == Errno.EOVERFLOW) throw new IpcException(IpcErrors.LimitReached, $"'{Address}' has the largest value that a semaphore can have, {MaxValue}.", Address.Text) { Errno = errno, Call = "sem_post" };
            throw IpcException.FromErrno("sem_post", errno, Address.Text);
        }
    }

    private void Check(in LockOptions options)
    {
        if (options.Index != 0) throw new IpcException(IpcErrors.OutOfRange, $"'{Address}' is one semaphore, with index 0; there is no {options.Index}.", Address.Text);
        if (options.Count < 1) throw IpcException.Argument($"A count is 1 or more here, and {options.Count} is not. Only System V semaphores can be waited for until they are zero.", Address.Text);
    }

    private MappedRegion.Hold Enter()
    {
        ThrowIfClosed();
        try
        {
            // Without the guard a file that was cut would end the process.
            if (!_region.IsGuarded && FileStatus.Of(_file, Address.Text).Size < FileSize) throw Damaged("it was cut");
            return _region.Enter();
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    private void ThrowIfCut(in MappedRegion.Hold hold)
    {
        if (hold.Region.WasCut) throw Damaged("it was cut");
    }

    private void RequireSound()
    {
        using var hold = Enter();
        var flag = *(int*)(hold.Start + FlagAt);
        var padding = *(int*)(hold.Start + PaddingAt);
        var value = *(int*)hold.Start;
        ThrowIfCut(hold);
        if (flag != SharedFlag || padding != 0 || value < 0) throw Damaged("its bytes are not those of a semaphore that processes share");
    }

    private IpcException Damaged(string why) =>
        new(IpcErrors.InvalidData, $"'{PathOf(Address)}' is damaged, or not a semaphore: {why}.", Address.Text) { Advice = IpcAdvice.RemoveAndCreate };

    private static IpcException Foreign(IpcAddress address, string why) =>
        new(IpcErrors.WrongKind, $"'{PathOf(address)}' is not a semaphore: {why}.", address.Text, "It was made by another program, or another C library; choose another name.");

    private struct TakeAttempt(void* semaphore) : IAttempt
    {
        public int Errno = 0;

        public bool TryOnce()
        {
            if (Libc.sem_trywait(semaphore) == 0)
            {
                Errno = 0;
                return true;
            }
            Errno = Marshal.GetLastPInvokeError();
            return Errno is not (Linux.Errno.EAGAIN or Linux.Errno.EINTR);
        }
    }

    private readonly struct WaitCall(void* semaphore) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = Libc.sem_wait(semaphore)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
