using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Proc;
using IpcPs.Readiness;

namespace IpcPs.Locks;

/// <summary>A System V semaphore set (semget(2)), <c>sysvsem:KEY</c>, of up to thousands of semaphores.</summary>
/// <remarks>Several can be acquired at once. When a process ends, the kernel releases what the process has acquired (SEM_UNDO). A process
/// can also wait until a semaphore is zero. The set exists until it is removed.
/// Calls: semget(2), semtimedop(2), semctl(2); sched_yield(2) while it spins.</remarks>
public sealed unsafe class SysVSemaphoreSet : IpcLock
{
    /// <summary>SEMVMX: the largest value.</summary>
    public const int MaxValue = 32767;

    private readonly int _id;
    private AdaptiveWait _spin;

    private SysVSemaphoreSet(IpcAddress address, int id, int count) : base(address)
    {
        _id = id;
        Count = count;
    }

    /// <inheritdoc/>
    public override string Kind => "System V semaphore set";

    /// <summary>The id that the kernel gave it, as ipcs(1) lists it.</summary>
    public int Id => _id;

    /// <summary>The number of semaphores.</summary>
    public int Count { get; }

    /// <summary>The values of all semaphores now.</summary>
    public IReadOnlyList<int> Values
    {
        get
        {
            var values = new ushort[Count];
            fixed (ushort* all = values)
            {
                if (Libc.semctl(_id, 0, Libc.GETALL, all) < 0) throw Failure("semctl", Marshal.GetLastPInvokeError());
            }
            return Array.ConvertAll(values, static v => (int)v);
        }
    }

    /// <summary>The value of the first semaphore.</summary>
    public int Value => GetValue(0);

    /// <summary>Creates a set. Without a key it is private: it has only an id, <c>sysvsem:id=N</c>.</summary>
    /// <param name="address"><c>sysvsem:KEY</c>, or null for a private one.</param>
    /// <param name="count">The number of semaphores.</param>
    /// <param name="initialValue">The value of each, 0 to 32767.</param>
    /// <param name="mode">Permissions.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (kernel.sem),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static SysVSemaphoreSet Create(
        IpcAddress? address, int count = 1, int initialValue = 1, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        if (count < 1) throw IpcException.Argument($"A set has at least one semaphore, and {count} were requested.", address?.Text);
        if (initialValue is < 0 or > MaxValue) throw WrongValue(initialValue, address);
        if (address?.Key?.Id is not null)
            throw IpcException.Argument("The kernel chooses the id of a private set: give a key or no address.", address.Text);
        var id = Libc.semget(address?.Key!.Resolve() ?? Libc.IPC_PRIVATE, count, Libc.IPC_CREAT | Libc.IPC_EXCL | (int)mode);
        if (id < 0) throw CreateFailed(Marshal.GetLastPInvokeError(), count, address);
        address ??= IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"sysvsem:id={id}"));
        var set = new SysVSemaphoreSet(address, id, count);
        try
        {
            set.Initialize(initialValue);
            return set;
        }
        catch
        {
            _ = Libc.semctl(id, 0, Libc.IPC_RMID, null);
            throw;
        }
    }

    /// <summary>Opens a set that exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static SysVSemaphoreSet Open(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var id = FindId(address);
        Libc.SemaphoreSetStatus status;
        if (Libc.semctl(id, 0, Libc.IPC_STAT, &status) != 0) throw Translate("semctl", Marshal.GetLastPInvokeError(), address);
        var set = new SysVSemaphoreSet(address, id, (int)status.Count);
        set.LetCreatorFinish();
        return set;
    }

    /// <summary>The value of a semaphore.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Removed"/>.</exception>
    public int GetValue(int index) => Get(index, Libc.GETVAL);

    /// <summary>How many processes wait to acquire a semaphore.</summary>
    /// <inheritdoc cref="GetValue"/>
    public int GetWaiters(int index = 0) => Get(index, Libc.GETNCNT);

    /// <summary>How many processes wait until the value of a semaphore is zero.</summary>
    /// <inheritdoc cref="GetValue"/>
    public int GetZeroWaiters(int index = 0) => Get(index, Libc.GETZCNT);

    /// <summary>The id of the process that changed a semaphore last.</summary>
    /// <inheritdoc cref="GetValue"/>
    public int GetLastProcessId(int index = 0) => Get(index, Libc.GETPID);

    /// <summary>Sets the value of a semaphore (semctl(2), SETVAL), and wakes the processes that can continue. The kernel then releases
    /// nothing of it any more when a process ends.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.InvalidArgument"/>,
    /// <see cref="IpcErrors.Removed"/>.</exception>
    public void SetValue(int index, int value)
    {
        ThrowIfClosed();
        CheckIndex(index);
        if (value is < 0 or > MaxValue) throw WrongValue(value, Address);
        if (Libc.semctl(_id, index, Libc.SETVAL, (void*)value) < 0) throw Failure("semctl", Marshal.GetLastPInvokeError());
        SemUndoTracker.Forget(_id, index);
    }

    /// <summary>Acquires <see cref="LockOptions.Count"/> at once, or with a count of 0 waits until the value is zero.</summary>
    /// <inheritdoc/>
    public override void Acquire(in LockOptions options, in WaitOptions wait = default)
    {
        ThrowIfClosed();
        Check(options, least: 0);
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        var undo = !options.NoUndo && options.Count > 0;
        var operation = Operation(options.Index, -options.Count, undo ? Libc.SEM_UNDO : 0);
        var attempt = new Attempt(_id, operation);
        if (!attempt.TryOnce())
        {
            if (wait.Deadline.IsImmediate) throw TimedOut(wait.Deadline);
            if (!Waiter.Spin(ref attempt, ref _spin)) attempt.Errno = Block(operation, wait);
        }
        if (attempt.Errno == Errno.ETIMEDOUT) throw TimedOut(wait.Deadline);
        if (attempt.Errno != 0) throw Failure("semop", attempt.Errno);
        if (undo) SemUndoTracker.RecordAcquired(_id, options.Index, options.Count);
    }

    /// <summary>Releases <see cref="LockOptions.Count"/>.</summary>
    /// <remarks>What this process has acquired with SEM_UNDO is released with it, so that the kernel does not release it again. What the
    /// process has not acquired is only added, and stays when the process ends.</remarks>
    /// <inheritdoc/>
    public override void Release(in LockOptions options)
    {
        ThrowIfClosed();
        Check(options, least: 1);
        var owed = options.NoUndo ? 0 : SemUndoTracker.RecordReleased(_id, options.Index, options.Count);
        // One call, so that both parts happen at once.
        var operations = stackalloc Libc.SemaphoreOperation[2];
        nuint count = 0;
        if (owed > 0) operations[count++] = Operation(options.Index, owed, Libc.SEM_UNDO | Libc.IPC_NOWAIT);
        if (options.Count > owed) operations[count++] = Operation(options.Index, options.Count - owed, Libc.IPC_NOWAIT);
        int result, errno;
        do
        {
            result = Libc.semtimedop(_id, operations, count, null);
            errno = result == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        while (errno == Errno.EINTR);
        if (errno == 0) return;
        SemUndoTracker.RecordAcquired(_id, options.Index, owed);
        throw Failure("semop", errno);
    }

    /// <inheritdoc/>
    /// <remarks>Calls: semctl(2), semtimedop(2). Waiting needs the permission to change the set, and the set then names this process as the
    /// last one that changed it.</remarks>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        ThrowIfClosed();
        Check(options.Lock, least: 0);
        return new SysVSemaphoreWatch(this, options.Lock.Index, options.Lock.Count);
    }

    /// <summary>Blocks until <paramref name="count"/> could be acquired, or with 0 until the value is zero. Changes no value: one call
    /// acquires and releases at once.</summary>
    internal void WaitUntilAvailable(int index, int count, CancellationToken cancellation)
    {
        var call = new Call(_id, Operation(index, -count, 0), Operation(index, count, 0));
        var errno = InterruptibleCall.Invoke<Call, int>(ref call, out _, cancellation, Closing);
        if (errno != 0) throw Failure("semop", errno);
    }

    internal static bool Exists(IpcAddress address)
    {
        if (address.Key!.Id is { } id)
        {
            Libc.SemaphoreSetStatus status;
            return Libc.semctl(id, 0, Libc.IPC_STAT, &status) == 0 || Marshal.GetLastPInvokeError() == Errno.EACCES;
        }
        return Libc.semget(address.Key.Resolve(), 0, 0) >= 0 || Marshal.GetLastPInvokeError() == Errno.EACCES;
    }

    internal static void Remove(IpcAddress address)
    {
        if (Libc.semctl(FindId(address), 0, Libc.IPC_RMID, null) != 0) throw Translate("semctl", Marshal.GetLastPInvokeError(), address);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // An id is not a descriptor, so there is nothing to close.
    }

    private int Block(Libc.SemaphoreOperation operation, in WaitOptions wait)
    {
        var since = Stopwatch.GetTimestamp();
        var call = new Call(_id, operation);
        var errno = InterruptibleCall.Invoke<Call, int>(ref call, out _, wait, Closing);
        _spin.Blocked(Stopwatch.GetTimestamp() - since);
        return errno;
    }

    // The values first, then an operation. Its time (sem_otime) shows other programs that the set is ready.
    private void Initialize(int value)
    {
        var values = new ushort[Count];
        Array.Fill(values, (ushort)value);
        fixed (ushort* all = values)
        {
            if (Libc.semctl(_id, 0, Libc.SETALL, all) < 0) throw Failure("semctl", Marshal.GetLastPInvokeError());
        }
        // To acquire and release one, or to wait for zero when the value is zero, changes nothing and never blocks.
        var operations = stackalloc Libc.SemaphoreOperation[2];
        operations[0] = Operation(0, value > 0 ? -1 : 0, Libc.IPC_NOWAIT);
        operations[1] = Operation(0, 1, Libc.IPC_NOWAIT);
        _ = Libc.semtimedop(_id, operations, value > 0 ? 2u : 1u, null);
    }

    // A set without any operation, and with values that were never set, was created at this moment, or by a program that keeps the zeros.
    // In the first case its creator needs only microseconds to set the values.
    private void LetCreatorFinish()
    {
        var until = Stopwatch.GetTimestamp() + Stopwatch.Frequency / 50;
        while (Status().OperationTime == 0 && Libc.semctl(_id, 0, Libc.GETPID, null) == 0 && Stopwatch.GetTimestamp() < until)
            _ = Libc.sched_yield();
    }

    private int Get(int index, int command)
    {
        ThrowIfClosed();
        CheckIndex(index);
        var value = Libc.semctl(_id, index, command, null);
        return value >= 0 ? value : throw Failure("semctl", Marshal.GetLastPInvokeError());
    }

    private void Check(in LockOptions options, int least)
    {
        CheckIndex(options.Index);
        if (options.Count < least || options.Count > MaxValue)
            throw IpcException.Argument($"The count must be {least} to {MaxValue}, and not {options.Count}.", Address.Text);
    }

    private void CheckIndex(int index)
    {
        if (index < 0 || index >= Count)
            throw new IpcException(IpcErrors.OutOfRange, $"'{Address}' has the indexes 0 to {Count - 1}, and not {index}.", Address.Text);
    }

    private Libc.SemaphoreSetStatus Status()
    {
        Libc.SemaphoreSetStatus status;
        return Libc.semctl(_id, 0, Libc.IPC_STAT, &status) == 0 ? status : throw Failure("semctl", Marshal.GetLastPInvokeError());
    }

    private protected override IIpcPermissions Permissions => new SysVPermissions(() => Status().Permissions, Change);

    private void Change(PermissionChange change)
    {
        ThrowIfClosed();
        var status = Status();
        change(ref status.Permissions);
        if (Libc.semctl(_id, 0, Libc.IPC_SET, &status) != 0)
            throw IpcException.FromErrno("semctl", Marshal.GetLastPInvokeError(), Address.Text, SysVPermissions.Hint);
    }

    private static Libc.SemaphoreOperation Operation(int index, int change, int flags) =>
        new() { Number = (ushort)index, Change = (short)change, Flags = (short)flags };

    private static IpcException WrongValue(int value, IpcAddress? address) =>
        IpcException.Argument($"The value of a System V semaphore is 0 to {MaxValue}, and not {value}.", address?.Text);

    private IpcException Failure(string call, int errno) => errno switch
    {
        // EINVAL if the set was removed before the call, EIDRM if it was removed during it.
        Errno.EINVAL or Errno.EIDRM => new IpcException(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text)
        { Errno = errno, Call = call },
        Errno.ERANGE => new IpcException(IpcErrors.LimitReached,
            $"A semaphore of '{Address}' would have a value above {MaxValue} (SEMVMX).", Address.Text)
        { Errno = errno, Call = call },
        _ => IpcException.FromErrno(call, errno, Address.Text),
    };

    private static int FindId(IpcAddress address)
    {
        if (address.Key!.Id is { } known) return known;
        var id = Libc.semget(address.Key.Resolve(), 0, 0);
        return id >= 0 ? id : throw Translate("semget", Marshal.GetLastPInvokeError(), address);
    }

    private static IpcException Translate(string call, int errno, IpcAddress address) =>
        errno is Errno.EINVAL or Errno.EIDRM
            ? IpcException.FromErrno(call, errno, address.Text, "Check the key.", IpcErrors.NotFound, IpcAdvice.CheckAddress)
            : IpcException.FromErrno(call, errno, address.Text);

    private static IpcException CreateFailed(int errno, int count, IpcAddress? address) => errno switch
    {
        Errno.ENOSPC or Errno.EINVAL => new IpcException(IpcErrors.LimitReached,
            $"A set of {count} semaphores is beyond kernel.sem "
            + $"({Setting()}: semaphores of a set, semaphores of all sets, operations of a call, sets).",
            address?.Text, "Remove sets that no process needs, or raise the limit with 'sysctl kernel.sem=…'.")
        { Errno = errno, Call = "semget", Advice = IpcAdvice.RemoveUnused },
        _ => IpcException.FromErrno("semget", errno, address?.Text),
    };

    private static string Setting() => Sysctl.ReadText("kernel.sem") is { } text
        ? string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) : Sysctl.NotReadable;

    private struct Attempt(int id, Libc.SemaphoreOperation operation) : IAttempt
    {
        public int Errno = 0;

        public bool TryOnce()
        {
            var once = operation;
            once.Flags |= Libc.IPC_NOWAIT;
            Errno = Libc.semtimedop(id, &once, 1, null) == 0 ? 0 : Marshal.GetLastPInvokeError();
            return Errno is not (Linux.Errno.EAGAIN or Linux.Errno.EINTR);
        }
    }

    private readonly struct Call(int id, Libc.SemaphoreOperation first, Libc.SemaphoreOperation second = default) : IBlockingCall<int>
    {
        public int Invoke(out int result)
        {
            var operations = stackalloc Libc.SemaphoreOperation[2] { first, second };
            var count = second.Change == 0 ? 1u : 2u;
            return (result = Libc.semtimedop(id, operations, count, null)) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }
}

/// <summary>Counts what this process has acquired with SEM_UNDO and not released, for each semaphore.</summary>
/// <remarks>The kernel counts the same for each process, but does not report it. A release must know it, to use SEM_UNDO or not.</remarks>
internal static class SemUndoTracker
{
    private static readonly Dictionary<(int Set, int Index), int> Owed = [];

    public static void RecordAcquired(int set, int index, int count)
    {
        if (count == 0) return;
        lock (Owed) Owed[(set, index)] = Owed.GetValueOrDefault((set, index)) + count;
    }

    /// <summary>Called before a release of <paramref name="count"/>.</summary>
    /// <returns>How many of them were acquired with SEM_UNDO.</returns>
    public static int RecordReleased(int set, int index, int count)
    {
        lock (Owed)
        {
            var owed = Owed.GetValueOrDefault((set, index));
            var released = Math.Min(owed, count);
            if (owed == released) Owed.Remove((set, index));
            else Owed[(set, index)] = owed - released;
            return released;
        }
    }

    /// <summary>Called when the kernel has cleared its count.</summary>
    public static void Forget(int set, int index)
    {
        lock (Owed) Owed.Remove((set, index));
    }
}
