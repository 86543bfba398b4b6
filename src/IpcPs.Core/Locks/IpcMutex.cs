using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Proc;
using IpcPs.Readiness;

namespace IpcPs.Locks;

/// <summary>A lock with one holder at a time, <c>mutex:NAME</c>, for the processes of one user. The kernel releases it when the holder's
/// process ends in any way. The next holder then sees <see cref="OwnerDied"/>.</summary>
/// <remarks>It is an exclusive flock(2) on NAME.mutex in the runtime folder, so a shell script acquires the same lock with flock(1), and
/// any language with flock(2). The file's 32 bytes (<see cref="MutexFileRecord"/>) name the holder's process. If they still do when the
/// next process acquires the lock, the holder never released it. Other programs do not write their process id, so their death is not
/// detected. The lock belongs to the opened object and not to a thread: any thread that has the object may release it. If another file has
/// got the mutex's name, the next acquire locks that one.
/// Calls: open(2), flock(2), pread(2), pwrite(2), statx(2), dup3(2).</remarks>
public sealed unsafe class IpcMutex : IpcLock
{
    private readonly SafeDescriptor _file;
    private readonly DeadlineLock _gate = new();
    private readonly object _state = new();
    private AdaptiveWait _spin;
    private object? _holder;
    private int _depth;
    // Which file it is: known since it was opened, so that each acquire asks only what has the name.
    private FileId _id;

    private IpcMutex(IpcAddress address, SafeDescriptor file) : base(address)
    {
        _file = file;
        _id = Status().Id;
    }

    /// <inheritdoc/>
    public override string Kind => "mutex";

    /// <summary>Whether the holder may acquire it again. It is free when it was released as often.</summary>
    public bool IsRecursive { get; private set; }

    /// <summary>Whether this object holds it.</summary>
    public bool IsHeld
    {
        get { lock (_state) return _depth > 0; }
    }

    /// <summary>The id of the process that holds it; null if it is free, or if the holder is another program, which does not write its
    /// id.</summary>
    public int? HolderId => ReadRecord().ProcessId is var id and not 0 ? id : null;

    /// <summary>Whether it is held and by which process, in words.</summary>
    public string State =>
        IsClosed ? "closed"
        : IsHeld ? "held by this object"
        : HolderId is not { } id ? "free, or held by another program"
        : ProcessStat.TryRead(id) is { HasEnded: false } process ? $"held by {Named(process, id)}"
        : string.Create(CultureInfo.InvariantCulture, $"free: process {id} ended while it held it");

    /// <inheritdoc/>
    private protected override string? Holder
    {
        get
        {
            try
            {
                return HolderId is { } id && ProcessStat.TryRead(id) is { HasEnded: false } process ? Named(process, id) : null;
            }
            catch (IpcException)
            {
                // Closed or damaged meanwhile, which the next call reports.
                return null;
            }
        }
    }

    /// <inheritdoc/>
    public override bool OwnerDied => DeadOwnerId is not null;

    /// <summary>The id of the process that died while it held the lock; null if not <see cref="OwnerDied"/>.</summary>
    public int? DeadOwnerId { get; private set; }

    /// <summary>Creates a mutex, which is free.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.AccessDenied"/> (the runtime
    /// folder).</exception>
    public static IpcMutex Create(
        IpcAddress address, bool isRecursive = false, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        ArgumentNullException.ThrowIfNull(address);
        var path = RuntimeFolder.PathOf(address);
        var file = AtomicFile.Create(Path.GetDirectoryName(path)!, mode, address.Text);
        var isPublished = file is null;
        file ??= AtomicFile.CreateInPlace(path, mode, address.Text);
        try
        {
            var mutex = new IpcMutex(address, file) { IsRecursive = isRecursive };
            mutex.WriteRecord(MutexFileRecord.Free(isRecursive));
            if (!isPublished) AtomicFile.Publish(file, path, address.Text);
            return mutex;
        }
        catch
        {
            if (isPublished) _ = Libc.unlink(path);
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a mutex that exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidData"/> (the file is not a mutex).</exception>
    public static IpcMutex Open(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var file = OpenFile(address);
        try
        {
            var mutex = new IpcMutex(address, file);
            mutex.IsRecursive = mutex.ReadRecord().IsRecursive;
            return mutex;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Acquire(in LockOptions options, in WaitOptions wait = default)
    {
        ThrowIfClosed();
        Check(options);
        var holder = options.Holder ?? Environment.CurrentManagedThreadId;
        if (ReenterIfHeld(holder)) return;
        EnterLock(wait);
        try
        {
            while (true)
            {
                LockFile(wait);
                if (IsCurrent()) break;
                Reopen();
            }
            try
            {
                RecordAcquired();
            }
            catch
            {
                _ = Libc.flock(_file, Libc.LOCK_UN);
                throw;
            }
            lock (_state)
            {
                _holder = holder;
                _depth = 1;
            }
        }
        catch
        {
            _gate.Exit();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Release(in LockOptions options)
    {
        ThrowIfClosed();
        Check(options);
        lock (_state)
        {
            if (_depth == 0)
                throw new IpcException(IpcErrors.InvalidOperation, $"'{Address}' is not held by this object, so it cannot be released.",
                    Address.Text, "Release it with the object that acquired it.");
            if (--_depth > 0) return;
            _holder = null;
            Unlock();
        }
        _gate.Exit();
    }

    /// <inheritdoc/>
    /// <remarks>Calls: flock(2) with a shared lock, which is held for a moment.</remarks>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        ThrowIfClosed();
        Check(options.Lock);
        return new MutexWatch(this);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_state)
        {
            // To close is to release: unlike a process that dies, a caller that closes has finished.
            if (_depth > 0) Unlock();
            _depth = 0;
            _file.Dispose();
        }
    }

    /// <summary>Acquires again for the same holder: counted if the mutex is recursive, else an error because the holder would wait for
    /// itself.</summary>
    private bool ReenterIfHeld(object holder)
    {
        lock (_state)
        {
            if (_depth == 0 || !Equals(_holder, holder)) return false;
            if (!IsRecursive)
                throw new IpcException(IpcErrors.InvalidOperation,
                    $"'{Address}' is already held by the same holder, which would wait for itself.", Address.Text,
                    "Release it first, or create it as a recursive mutex.")
                { Advice = IpcAdvice.UseRecursiveMutex };
            _depth++;
            return true;
        }
    }

    private void EnterLock(in WaitOptions wait)
    {
        if (_gate.Enter(new(Deadline.Immediate, wait.Cancellation))) return;
        if (wait.Deadline.IsImmediate) throw TimedOut(wait.Deadline);
        // Another thread holds the lock through this object, so the wait is inside the process.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(wait.Cancellation, Closing);
        try
        {
            if (!_gate.Enter(new(wait.Deadline, over.Token))) throw TimedOut(wait.Deadline);
        }
        catch (OperationCanceledException)
        {
            Waiter.ThrowIfOver(wait.Cancellation, Closing);
            throw;
        }
    }

    private void LockFile(in WaitOptions wait)
    {
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        try
        {
            var attempt = new Attempt(_file);
            if (!attempt.TryOnce())
            {
                if (wait.Deadline.IsImmediate ? !TryPastWatches(ref attempt, wait) : !Waiter.Spin(ref attempt, ref _spin))
                    attempt.Errno = wait.Deadline.IsImmediate ? Errno.ETIMEDOUT : Block(wait);
            }
            if (attempt.Errno == Errno.ETIMEDOUT) throw TimedOut(wait.Deadline);
            if (attempt.Errno != 0) throw IpcException.FromErrno("flock", attempt.Errno, Address.Text);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    /// <summary>Tries again for some milliseconds where only a <see cref="MutexWatch"/> holds the file: it does so for a moment, which is
    /// longer where its process does not get a processor. Its lock is a shared one, and a holder's is not.</summary>
    private bool TryPastWatches(ref Attempt attempt, in WaitOptions wait)
    {
        const int Yields = 50;
        const int Pauses = 50;
        for (var tries = 0; tries < Yields + Pauses; tries++)
        {
            if (Libc.flock(_file, Libc.LOCK_SH | Libc.LOCK_NB) != 0) return false;
            _ = Libc.flock(_file, Libc.LOCK_UN);
            if (tries < Yields) _ = Libc.sched_yield();
            else Waiter.PollAny([], new(Deadline.After(TimeSpan.FromMilliseconds(1)), wait.Cancellation), Closing);
            if (attempt.TryOnce()) return true;
        }
        return false;
    }

    /// <summary>Whether the locked file still has the mutex's name. One that was removed or renamed guards nothing: another process may
    /// already hold a new mutex of that name.</summary>
    private bool IsCurrent() => FileStatus.TryOf(Address.Path!)?.Id == _id;

    /// <summary>Releases the locked file, and opens the one that has the mutex's name now, under the same descriptor.</summary>
    private void Reopen()
    {
        try
        {
            _ = Libc.flock(_file, Libc.LOCK_UN);
            using var file = OpenFile(Address);
            if (Libc.dup3(file, _file, Libc.O_CLOEXEC) < 0)
                throw IpcException.FromErrno("dup3", Marshal.GetLastPInvokeError(), Address.Text);
            _id = Status().Id;
            IsRecursive = ReadRecord().IsRecursive;
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            throw new IpcException(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text, "Create it again.")
            { Advice = IpcAdvice.CreateMutex };
        }
    }

    internal static SafeDescriptor OpenFile(IpcAddress address)
    {
        var path = RuntimeFolder.PathOf(address);
        if (!FileStatus.Of(path, address.Text, "open").IsType(Libc.S_IFREG))
            throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a regular file.", address.Text);
        var fd = Libc.open(path, Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, 0);
        return fd >= 0 ? new SafeDescriptor(fd) : throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text);
    }

    private int Block(in WaitOptions wait)
    {
        var since = Stopwatch.GetTimestamp();
        var call = new FlockCall(_file, Libc.LOCK_EX);
        var errno = InterruptibleCall.Invoke<FlockCall, int>(ref call, out _, wait, Closing);
        _spin.Blocked(Stopwatch.GetTimestamp() - since);
        return errno;
    }

    /// <summary>Reads the earlier holder from the file, and writes this process into it.</summary>
    private void RecordAcquired()
    {
        var before = ReadRecord();
        DeadOwnerId = before.ProcessId != 0 ? before.ProcessId : null;
        WriteRecord(before.HeldBy(Environment.ProcessId));
    }

    private void Unlock()
    {
        try
        {
            WriteRecord(MutexFileRecord.Free(IsRecursive));
        }
        finally
        {
            _ = Libc.flock(_file, Libc.LOCK_UN);
        }
    }

    private MutexFileRecord ReadRecord()
    {
        MutexFileRecord record;
        try
        {
            if (MutexFileRecord.Read(_file, out record) is not 0 and var errno)
                throw IpcException.FromErrno("pread", errno, Address.Text);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        if (!record.IsValid)
            throw new IpcException(IpcErrors.InvalidData, $"'{Address.Path}' is damaged, or not a mutex.", Address.Text)
            { Advice = IpcAdvice.RemoveAndCreate };
        return record;
    }

    private void WriteRecord(MutexFileRecord record)
    {
        nint written;
        do written = Libc.pwrite(_file, &record, MutexFileRecord.Size, 0);
        while (written < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        if (written != MutexFileRecord.Size)
            throw IpcException.FromErrno("pwrite", written < 0 ? Marshal.GetLastPInvokeError() : Errno.ENOSPC, Address.Text);
    }

    private static string Named(in ProcessStat process, int id) =>
        string.Create(CultureInfo.InvariantCulture, $"process {id} ({process.Name})");

    private void Check(in LockOptions options)
    {
        if (options.Index != 0 || options.Count != 1)
            throw IpcException.Argument(
                $"'{Address}' is a mutex, with a count of 1 and an index of 0, and not {options.Count} and {options.Index}.", Address.Text);
    }

    private protected override IIpcPermissions Permissions
    {
        get
        {
            ThrowIfClosed();
            return new FilePermissions(_file, Address.Text);
        }
    }

    private FileStatus Status()
    {
        try
        {
            return FileStatus.Of(_file, Address.Text);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    private struct Attempt(SafeDescriptor file) : IAttempt
    {
        public int Errno = 0;

        public bool TryOnce()
        {
            Errno = Libc.flock(file, Libc.LOCK_EX | Libc.LOCK_NB) == 0 ? 0 : Marshal.GetLastPInvokeError();
            return Errno is not (Linux.Errno.EAGAIN or Linux.Errno.EINTR);
        }
    }
}
