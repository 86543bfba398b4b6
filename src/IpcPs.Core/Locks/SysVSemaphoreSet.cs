using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Locks;

/// <summary>A System V semaphore set (semget(2)), <c>sysvsem:KEY</c>: up to thousands of semaphores that are taken several at a time, given back by the kernel when the process
/// that took them ends (SEM_UNDO), and that can be waited for until they are zero. It lives until it is removed.</summary>
/// <remarks>Calls: semget(2), semtimedop(2), semctl(2); sched_yield(2) while it spins.</remarks>
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

    /// <summary>The kernel's id, as ipcs(1) lists it.</summary>
    public int Id => _id;

    /// <summary>How many semaphores it has.</summary>
    public int Count { get; }

    /// <inheritdoc/>
    public override UnixFileMode Mode
    {
        get => (UnixFileMode)(Status().Permissions.Mode & 0x1FF);
        set => Change((ref Libc.IpcPerm permissions) => permissions.Mode = (ushort)value, "Only the owner, the creator and root may change the mode.");
    }

    /// <inheritdoc/>
    public override string Owner
    {
        get => Accounts.UserName(Status().Permissions.UserId);
        set
        {
            var id = Accounts.UserId(value);
            Change((ref Libc.IpcPerm permissions) => permissions.UserId = id, "Only the owner, the creator and root may give it away.");
        }
    }

    /// <inheritdoc/>
    public override string Group
    {
        get => Accounts.GroupName(Status().Permissions.GroupId);
        set
        {
            var id = Accounts.GroupId(value);
            Change((ref Libc.IpcPerm permissions) => permissions.GroupId = id, "Only the owner, the creator and root may change the group.");
        }
    }

    /// <summary>The values now, of all of them.</summary>
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

    /// <summary>The value of the first one.</summary>
    public int Value => GetValue(0);

    /// <summary>Creates a set. Without a key it is private: found by its id only, <c>sysvsem:id=N</c>.</summary>
    /// <param name="address"><c>sysvsem:KEY</c>, or null for a private one.</param>
    /// <param name="count">How many semaphores.</param>
    /// <param name="initialValue">The value of each, 0 to 32767.</param>
    /// <param name="mode">Permissions.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (kernel.sem),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static SysVSemaphoreSet Create(IpcAddress? address, int count = 1, int initialValue = 1, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        if (count < 1) throw IpcException.Argument($"A set has at least one semaphore, and {count} were asked for.", address?.Text);
        if (initialValue is < 0 or > MaxValue) throw IpcException.Argument($"A System V semaphore counts from 0 to {MaxValue}, and {initialValue} is not within.", address?.Text);
        if (address?.Key?.Id is not null) throw IpcException.Argument("The kernel chooses the id of a private set; give a key, or none.", address.Text);
        var id = Libc.semget(address?.Key!.Resolve() ?? Libc.IPC_PRIVATE, count, Libc.IPC_CREAT | Libc.IPC_EXCL | (int)mode);
        if (id < 0) throw CreateFailed(Marshal.GetLastPInvokeError(), count, address);
        var set = new SysVSemaphoreSet(address ?? IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"sysvsem:id={id}")), id, count);
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

    /// <summary>The value of one.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Removed"/>.</exception>
    public int GetValue(int index) => Get(index, Libc.GETVAL);

    /// <summary>How many wait until one's value gets larger.</summary>
    /// <inheritdoc cref="GetValue"/>
    public int GetWaiters(int index = 0) => Get(index, Libc.GETNCNT);

    /// <summary>How many wait until one's value is zero.</summary>
    /// <inheritdoc cref="GetValue"/>
    public int GetZeroWaiters(int index = 0) => Get(index, Libc.GETZCNT);

    /// <summary>The process that changed one last.</summary>
    /// <inheritdoc cref="GetValue"/>
    public int GetLastProcessId(int index = 0) => Get(index, Libc.GETPID);

    /// <summary>Sets the value of one, wakes whom that lets go on, and clears what the kernel would give back of it (semctl(2), SETVAL).</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.InvalidArgument"/>,
    /// <see cref="IpcErrors.Removed"/>.</exception>
    public void SetValue(int index, int value)
    {
        ThrowIfClosed();
        CheckIndex(index);
        if (value is < 0 or > MaxValue) throw IpcException.Argument($"A System V semaphore counts from 0 to {MaxValue}, and {value} is not within.", Address.Text);
        if (Libc.semctl(_id, index, Libc.SETVAL, (void*)value) < 0) throw Failure("semctl", Marshal.GetLastPInvokeError());
        SemUndoTracker.Forget(_id, index);
    }

    /// <summary>Takes <see cref="LockOptions.Count"/> at once, or with a count of 0 waits until the value is zero.</summary>
    /// <inheritdoc/>
    public override void Acquire(in LockOptions options, in WaitOptions wait = default)
    {
        ThrowIfClosed();
        Check(options, least: 0);
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        var undo = !options.NoUndo && options.Count > 0;
        var operation = new Libc.SemaphoreOperation { Number = (ushort)options.Index, Change = (short)-options.Count, Flags = undo ? Libc.SEM_UNDO : (short)0 };
        var attempt = new Attempt(_id, operation);
        if (!attempt.TryOnce())
        {
            if (wait.Deadline.IsImmediate) throw TimedOut(wait.Deadline);
            if (!Waiter.Spin(ref attempt, ref _spin)) attempt.Errno = Block(operation, wait);
        }
        if (attempt.Errno == Errno.ETIMEDOUT) throw TimedOut(wait.Deadline);
        if (attempt.Errno != 0) throw Failure("semop", attempt.Errno);
        if (undo) SemUndoTracker.Add(_id, options.Index, options.Count);
    }

    /// <summary>Gives <see cref="LockOptions.Count"/>. What this process took with SEM_UNDO is given back with it, so that the kernel does not do so again; what
    /// it never took is simply added, and stays when it ends.</summary>
    /// <inheritdoc/>
    public override void Release(in LockOptions options)
    {
        ThrowIfClosed();
        Check(options, least: 1);
        var owed = options.NoUndo ? 0 : SemUndoTracker.Take(_id, options.Index, options.Count);
        // One call, so that it happens at once whatever of it is owed.
        var operations = stackalloc Libc.SemaphoreOperation[2];
        nuint count = 0;
        if (owed > 0) operations[count++] = new Libc.SemaphoreOperation { Number = (ushort)options.Index, Change = (short)owed, Flags = Libc.SEM_UNDO | Libc.IPC_NOWAIT };
        if (options.Count > owed) operations[count++] = new Libc.SemaphoreOperation { Number = (ushort)options.Index, Change = (short)(options.Count - owed), Flags = Libc.IPC_NOWAIT };
        int result, errno;
        do
        {
            result = Libc.semtimedop(_id, operations, count, null);
            errno = result == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        while (errno == Errno.EINTR);
        if (errno == 0) return;
        SemUndoTracker.Add(_id, options.Index, owed);
        throw Failure("semop", errno);
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
        // An id is no descriptor: nothing is open.
    }

    private int Block(Libc.SemaphoreOperation operation, in WaitOptions wait)
    {
        var since = Stopwatch.GetTimestamp();
        var call = new Call(_id, operation);
        var errno = InterruptibleCall.Invoke<Call, int>(ref call, out _, wait, Closing);
        _spin.Blocked(Stopwatch.GetTimestamp() - since);
        return errno;
    }

    // Values first, then an operation: its time (sem_otime) tells other programs' openers that the set is ready.
    private void Initialize(int value)
    {
        var values = new ushort[Count];
        Array.Fill(values, (ushort)value);
        fixed (ushort* all = values)
        {
            if (Libc.semctl(_id, 0, Libc.SETALL, all) < 0) throw Failure("semctl", Marshal.GetLastPInvokeError());
        }
        // One taken and given, or a wait for the zero that is there: changes nothing and is never waited for.
        var operations = stackalloc Libc.SemaphoreOperation[2];
        operations[0] = new Libc.SemaphoreOperation { Change = (short)(value > 0 ? -1 : 0), Flags = Libc.IPC_NOWAIT };
        operations[1] = new Libc.SemaphoreOperation { Change = 1, Flags = Libc.IPC_NOWAIT };
        _ = Libc.semtimedop(_id, operations, value > 0 ? 2u : 1u, null);
    }

    // A set without any operation whose values were never set has been created this moment, or by a program that wants its zeros. The creator needs
    // microseconds; what waits longer has its zeros.
    private void LetCreatorFinish()
    {
        var until = Stopwatch.GetTimestamp() + Stopwatch.Frequency / 50;
        while (Status().OperationTime == 0 && Libc.semctl(_id, 0, Libc.GETPID, null) == 0 && Stopwatch.GetTimestamp() < until) _ = Libc.sched_yield();
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
        if (options.Count < least || options.Count > MaxValue) throw IpcException.Argument($"A count is {least} to {MaxValue} here, and {options.Count} is not.", Address.Text);
    }

    private void CheckIndex(int index)
    {
        if (index < 0 || index >= Count) throw new IpcException(IpcErrors.OutOfRange, $"'{Address}' has {Count} semaphores, with indexes from 0 to {Count - 1}; there is no {index}.", Address.Text);
    }

    private Libc.SemaphoreSetStatus Status()
    {
        Libc.SemaphoreSetStatus status;
        return Libc.semctl(_id, 0, Libc.IPC_STAT, &status) == 0 ? status : throw Failure("semctl", Marshal.GetLastPInvokeError());
    }

    private void Change(PermissionChange change, string hint)
    {
        ThrowIfClosed();
        var status = Status();
        change(ref status.Permissions);
        if (Libc.semctl(_id, 0, Libc.IPC_SET, &status) != 0) throw IpcException.FromErrno("semctl", Marshal.GetLastPInvokeError(), Address.Text, hint);
    }

    private IpcException Failure(string call, int errno) => errno switch
    {
        // The id of a set that was removed before the call is simply wrong; one that is removed under a wait is told.
        Errno.EINVAL or Errno.EIDRM => new IpcException(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text) { Errno = errno, Call = call },
        Errno.ERANGE => new IpcException(IpcErrors.LimitReached, $"A semaphore of '{Address}' would have a value above {MaxValue} (SEMVMX).", Address.Text) { Errno = errno, Call = call },
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
        Errno.ENOSPC or Errno.EINVAL => new IpcException(IpcErrors.LimitReached, $"A set of {count} semaphores is beyond kernel.sem ({Setting()}: semaphores a set, in all, operations a call, sets).",
            address?.Text, "Remove sets that no process needs, or raise it with 'sysctl kernel.sem=…'.")
        { Errno = errno, Call = "semget", Advice = IpcAdvice.RemoveUnused },
        _ => IpcException.FromErrno("semget", errno, address?.Text),
    };

    private static string Setting() => Sysctl.ReadText("kernel.sem") is { } text ? string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) : Sysctl.NotReadable;

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

    private readonly struct Call(int id, Libc.SemaphoreOperation operation) : IBlockingCall<int>
    {
        public int Invoke(out int result)
        {
            var once = operation;
            return (result = Libc.semtimedop(id, &once, 1, null)) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }
}
