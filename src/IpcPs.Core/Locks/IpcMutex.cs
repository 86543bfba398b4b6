using System.Diagnostics;
using System.Runtime.InteropServices;
using IpcPs.Files;

namespace IpcPs.Locks;

/// <summary>A lock that one holder at a time has, <c>mutex:NAME</c>, and that the kernel takes back when its holder's process ends, however it ends: the next one gets it, and is told by
/// <see cref="OwnerDied"/>. It guards the processes of one user.</summary>
/// <remarks>An exclusive flock(2) on NAME.mutex in the runtime folder; so a shell script takes the same lock with flock(1), and any language with flock(2). The file's 32
/// bytes say who holds it: what is still there when the next one gets the lock is a holder that never gave it back. Held per opened object and not per thread:
/// whoever has the object may release it. Other programs' holders leave no note, and their death is not told.
/// Calls: open(2), flock(2), pread(2), pwrite(2), statx(2).</remarks>
public sealed unsafe class IpcMutex : IpcLock
{
    private readonly SafeDescriptor _file;
    private readonly DeadlineLock _gate = new();
    private readonly object _state = new();
    private AdaptiveWait _spin;
    private object? _holder;
    private int _depth;
    private bool _ownerDied;

    private IpcMutex(IpcAddress address, SafeDescriptor file, bool isRecursive) : base(address)
    {
        _file = file;
        IsRecursive = isRecursive;
    }

    /// <inheritdoc/>
    public override string Kind => "mutex";

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

    /// <summary>Whether its holder may take it again; it is free when it was given back as often.</summary>
    public bool IsRecursive { get; }

    /// <summary>Whether this object holds it.</summary>
    public bool IsHeld
    {
        get
        {
            lock (_state) return _depth > 0;
        }
    }

    /// <summary>The process that holds it, by its own note; null where nobody does, or one that writes no note.</summary>
    public int? HolderId => ReadNote().ProcessId is var id and not 0 ? id : null;

    /// <inheritdoc/>
    public override bool OwnerDied => _ownerDied;

    /// <summary>The process that died while it held the lock, where <see cref="OwnerDied"/>.</summary>
    public int? DeadOwnerId { get; private set; }

    /// <summary>Creates a mutex, free.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.AccessDenied"/> (the runtime folder).</exception>
    public static IpcMutex Create(IpcAddress address, bool isRecursive = false, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        ArgumentNullException.ThrowIfNull(address);
        var folder = RuntimeFolder.Ensure();
        var path = PathOf(address);
        var file = AtomicFile.Create(folder, mode, address.Text);
        var isPublished = file is null;
        file ??= AtomicFile.CreateInPlace(path, mode, address.Text);
        try
        {
            var mutex = new IpcMutex(address, file, isRecursive);
            mutex.WriteNote(MutexFileRecord.Free(isRecursive));
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
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.WrongKind"/>,
    /// <see cref="IpcErrors.InvalidData"/> (the file is no mutex).</exception>
    public static IpcMutex Open(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        RuntimeFolder.Ensure();
        var fd = Libc.open(PathOf(address), Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, 0);
        if (fd < 0) throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text);
        var file = new SafeDescriptor(fd);
        try
        {
            var probe = new IpcMutex(address, file, isRecursive: false);
            if (!probe.Status().IsType(Libc.S_IFREG)) throw new IpcException(IpcErrors.WrongKind, $"'{PathOf(address)}' is not a regular file.", address.Text);
            return new IpcMutex(address, file, probe.ReadNote().IsRecursive);
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
        if (TakeAgain(holder)) return;
        EnterLock(wait);
        try
        {
            LockFile(wait);
            try
            {
                TakeOver();
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
            if (_depth == 0) throw new IpcException(IpcErrors.InvalidOperation, $"'{Address}' is not held here, so it can't be given back.", Address.Text, "Lock it first; only the object that locked it unlocks it.");
            if (--_depth > 0) return;
            _holder = null;
            GiveBack();
        }
        _gate.Exit();
    }

    internal static string PathOf(IpcAddress address) => Path.Combine(RuntimeFolder.Path, address.Name + ".mutex");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_state)
        {
            // To close is to give back: whoever closes knows what he does, a process that dies doesn't.
            if (_depth > 0) GiveBack();
            _depth = 0;
            _file.Dispose();
        }
    }

    /// <summary>A second try of the same holder: counted where the mutex is recursive, an error where it would wait for itself.</summary>
    private bool TakeAgain(object holder)
    {
        lock (_state)
        {
            if (_depth == 0 || !Equals(_holder, holder)) return false;
            if (!IsRecursive)
                throw new IpcException(IpcErrors.InvalidOperation, $"'{Address}' is held already, by the same holder, who would wait for itself.", Address.Text, "Release it first, or create it as a recursive mutex.") { Advice = IpcAdvice.UseRecursiveMutex };
            _depth++;
            return true;
        }
    }

    private void EnterLock(in WaitOptions wait)
    {
        if (_gate.Enter(new(Deadline.Immediate, wait.Cancellation))) return;
        if (wait.Deadline.IsImmediate) throw TimedOut(wait.Deadline);
        // Another thread has this same object's lock: that is waited for in the process.
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
                if (wait.Deadline.IsImmediate) throw TimedOut(wait.Deadline);
                if (!Waiter.Spin(ref attempt, ref _spin)) attempt.Errno = Block(wait);
            }
            if (attempt.Errno == Errno.ETIMEDOUT) throw TimedOut(wait.Deadline);
            if (attempt.Errno != 0) throw IpcException.FromErrno("flock", attempt.Errno, Address.Text);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    private int Block(in WaitOptions wait)
    {
        var since = Stopwatch.GetTimestamp();
        var call = new Call(_file);
        var errno = InterruptibleCall.Invoke<Call, int>(ref call, out _, wait, Closing);
        _spin.Blocked(Stopwatch.GetTimestamp() - since);
        return errno;
    }

    /// <summary>Looks who had it before, and writes who has it now.</summary>
    private void TakeOver()
    {
        // One that was removed meanwhile guards nothing: others may already hold a new one of that name.
        if (Status().Links == 0) throw new IpcException(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text, "Create it again.") { Advice = IpcAdvice.CreateMutex };
        var before = ReadNote();
        _ownerDied = before.ProcessId != 0;
        DeadOwnerId = _ownerDied ? before.ProcessId : null;
        WriteNote(before.HeldBy(Environment.ProcessId));
    }

    private void GiveBack()
    {
        try
        {
            WriteNote(MutexFileRecord.Free(IsRecursive));
        }
        finally
        {
            _ = Libc.flock(_file, Libc.LOCK_UN);
        }
    }

    private MutexFileRecord ReadNote()
    {
        MutexFileRecord note;
        nint read;
        try
        {
            do read = Libc.pread(_file, &note, MutexFileRecord.Size, 0);
            while (read < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
        if (read < 0) throw IpcException.FromErrno("pread", Marshal.GetLastPInvokeError(), Address.Text);
        if (read != MutexFileRecord.Size || !note.IsSound)
            throw new IpcException(IpcErrors.InvalidData, $"'{PathOf(Address)}' is damaged, or not a mutex.", Address.Text) { Advice = IpcAdvice.RemoveAndCreate };
        return note;
    }

    private void WriteNote(MutexFileRecord note)
    {
        nint written;
        do written = Libc.pwrite(_file, &note, MutexFileRecord.Size, 0);
        while (written < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        if (written != MutexFileRecord.Size) throw IpcException.FromErrno("pwrite", written < 0 ? Marshal.GetLastPInvokeError() : Errno.ENOSPC, Address.Text);
    }

    private void Check(in LockOptions options)
    {
        if (options.Index != 0 || options.Count != 1) throw IpcException.Argument($"'{Address}' is one mutex: there is nothing but a count of 1 and an index of 0.", Address.Text);
    }

    private SafeDescriptor OpenFile
    {
        get
        {
            ThrowIfClosed();
            return _file;
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

    private readonly struct Call(SafeDescriptor file) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = Libc.flock(file, Libc.LOCK_EX)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
