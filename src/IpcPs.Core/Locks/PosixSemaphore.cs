using System.Diagnostics;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Readiness;
using IpcPs.SharedMemory;

namespace IpcPs.Locks;

/// <summary>A POSIX named semaphore (sem_overview(7)), <c>sem:/NAME</c>, in the format of glibc: C opens it with sem_open(3), Python with
/// posix_ipc.</summary>
/// <remarks>It has a value and no holder. Any process may release it, and what a killed process has acquired is never released. If that
/// matters, use an <see cref="IpcMutex"/> or a <see cref="SysVSemaphoreSet"/>. The file in /dev/shm is checked and mapped here and not by
/// sem_open(3), which maps any file that it finds. After that the functions of the C library use it.
/// Calls: open(2), mmap(2), sem_trywait(3), sem_wait(3), sem_post(3), sem_getvalue(3); sched_yield(2) while it spins.</remarks>
public sealed unsafe class PosixSemaphore : IpcLock
{
    /// <summary>SEM_VALUE_MAX.</summary>
    public const int MaxValue = int.MaxValue;

    // sizeof(sem_t). It is struct new_sem: value (the lower half of 64 bits), waiters (the upper half), the futex flag, padding.
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

    /// <summary>The value now: how many can be acquired without waiting.</summary>
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

    /// <summary>How many threads of all processes wait now. Read from the memory of glibc, which has no function for it.</summary>
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

    /// <summary>Creates a semaphore. It cannot be opened before it has its value. The umask does not change its mode.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.InvalidArgument"/>,
    /// <see cref="IpcErrors.LimitReached"/> (/dev/shm is full), <see cref="IpcErrors.PlatformNotSupported"/> (no /dev/shm).</exception>
    public static PosixSemaphore Create(
        IpcAddress address, int initialValue = 1, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (initialValue < 0)
            throw IpcException.Argument($"The value of a semaphore is 0 to {MaxValue}, and not {initialValue}.", address.Text);
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
            if (Libc.pwrite(file, content, FileSize, 0) != FileSize)
                throw IpcException.FromErrno("pwrite", Marshal.GetLastPInvokeError(), address.Text);
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

    /// <summary>Opens a semaphore that exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/> (to use a semaphore is to
    /// write to it), <see cref="IpcErrors.WrongKind"/> and <see cref="IpcErrors.InvalidData"/> (the file is not a semaphore of
    /// glibc).</exception>
    public static PosixSemaphore Open(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        PosixSharedMemory.RequireFolder(address);
        var fd = Libc.open(PathOf(address), Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, 0);
        if (fd < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            throw errno is Errno.ELOOP or Errno.EISDIR or Errno.ENXIO
                ? Foreign(address, "it is not a regular file")
                : IpcException.FromErrno("open", errno, address.Text);
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
            semaphore.RequireValid();
            return semaphore;
        }
        catch
        {
            region?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Acquires <see cref="LockOptions.Count"/>, one after the other (sem_wait(3)). If that fails half way, those that were
    /// acquired are released. Two processes that acquire several each can block each other without end. A System V set acquires several at
    /// once.</summary>
    /// <inheritdoc/>
    public override void Acquire(in LockOptions options, in WaitOptions wait = default)
    {
        Check(options);
        using var hold = Enter();
        for (var acquired = 0; acquired < options.Count; acquired++)
        {
            var done = false;
            try
            {
                done = TryAcquireOne(hold, wait);
            }
            finally
            {
                if (!done && acquired > 0) Post(hold, acquired);
            }
            if (!done) throw TimedOut(wait.Deadline);
        }
    }

    /// <summary>Releases <see cref="LockOptions.Count"/> (sem_post(3)). A process may release what it has not acquired.</summary>
    /// <inheritdoc/>
    public override void Release(in LockOptions options)
    {
        Check(options);
        using var hold = Enter();
        Post(hold, options.Count);
    }

    /// <inheritdoc/>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        ThrowIfClosed();
        Check(options.Lock);
        return new PosixSemaphoreWatch(this, options.Lock.Count);
    }

    /// <summary>Blocks until the value may be <paramref name="count"/> or more. Acquires nothing.</summary>
    internal void WaitWhileBelow(int count, CancellationToken cancellation)
    {
        using var hold = Enter();
        var value = (uint*)hold.Start;
        // sem_post(3) wakes only if it finds a waiter. If this process is killed here, the number stays one too high, as it does after a
        // killed sem_wait(3): then sem_post makes a needless call.
        Interlocked.Increment(ref *(int*)(hold.Start + WaitersAt));
        try
        {
            var seen = Volatile.Read(ref *value);
            if (seen < count) Waiter.WhileEqual(value, seen, isShared: true, cancellation, Closing);
        }
        finally
        {
            Interlocked.Decrement(ref *(int*)(hold.Start + WaitersAt));
            // The wake may have been meant for a process that acquires.
            Waiter.Wake(value, 1, isShared: true);
        }
        ThrowIfCut(hold);
    }

    internal static string PathOf(IpcAddress address) => $"{PosixSharedMemory.Folder}/sem.{address.Name}";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _region.Dispose();
        _file.Dispose();
    }

    private protected override IIpcPermissions Permissions
    {
        get
        {
            ThrowIfClosed();
            return new FilePermissions(_file, Address.Text);
        }
    }

    private bool TryAcquireOne(in MappedRegion.Hold hold, in WaitOptions wait)
    {
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        var attempt = new Attempt(hold.Start);
        var done = attempt.TryOnce()
            || (!wait.Deadline.IsImmediate && (Waiter.Spin(ref attempt, ref _spin) || Block(hold, wait, out attempt.Errno)));
        ThrowIfCut(hold);
        if (attempt.Errno is not (0 or Errno.EAGAIN)) throw IpcException.FromErrno("sem_wait", attempt.Errno, Address.Text);
        return done;
    }

    private bool Block(in MappedRegion.Hold hold, in WaitOptions wait, out int errno)
    {
        var since = Stopwatch.GetTimestamp();
        var call = new Call(hold.Start);
        errno = InterruptibleCall.Invoke<Call, int>(ref call, out _, wait, Closing);
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
            throw errno == Errno.EOVERFLOW
                ? new IpcException(IpcErrors.LimitReached, $"'{Address}' has the largest value of a semaphore, {MaxValue}.", Address.Text)
                { Errno = errno, Call = "sem_post" }
                : IpcException.FromErrno("sem_post", errno, Address.Text);
        }
    }

    private void Check(in LockOptions options)
    {
        if (options.Index != 0)
            throw new IpcException(IpcErrors.OutOfRange, $"'{Address}' has the index 0, and not {options.Index}.", Address.Text);
        if (options.Count < 1)
            throw IpcException.Argument(
                $"The count must be 1 or more, and not {options.Count}. Only a System V semaphore can be waited for until it is zero.",
                Address.Text);
    }

    private MappedRegion.Hold Enter()
    {
        ThrowIfClosed();
        try
        {
            // Without the guard, access to a truncated file would end the process.
            if (!_region.IsGuarded && FileStatus.Of(_file, Address.Text).Size < FileSize) throw Damaged("it was truncated");
            return _region.Enter();
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    private void ThrowIfCut(in MappedRegion.Hold hold)
    {
        if (hold.Region.WasCut) throw Damaged("it was truncated");
    }

    private void RequireValid()
    {
        using var hold = Enter();
        var flag = *(int*)(hold.Start + FlagAt);
        var padding = *(int*)(hold.Start + PaddingAt);
        var value = *(int*)hold.Start;
        ThrowIfCut(hold);
        if (flag != SharedFlag || padding != 0 || value < 0) throw Damaged("its bytes are not those of a shared semaphore");
    }

    private IpcException Damaged(string why) =>
        new(IpcErrors.InvalidData, $"'{PathOf(Address)}' is damaged, or not a semaphore: {why}.", Address.Text)
        { Advice = IpcAdvice.RemoveAndCreate };

    private static IpcException Foreign(IpcAddress address, string why) =>
        new(IpcErrors.WrongKind, $"'{PathOf(address)}' is not a semaphore: {why}.", address.Text,
            "Another program or another C library created it. Use another name.");

    private struct Attempt(void* semaphore) : IAttempt
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

    private readonly struct Call(void* semaphore) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = Libc.sem_wait(semaphore)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
