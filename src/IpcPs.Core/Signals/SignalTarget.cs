using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Proc;
using IpcPs.Processes;
using IpcPs.Readiness;

namespace IpcPs.Signals;

/// <summary>A process to send signals to, which cannot be mistaken for another process that gets its id later.</summary>
/// <remarks>When a process has ended and was waited for, the kernel may give its id to another process. This object holds a descriptor of
/// the process itself (a pidfd), so a signal reaches that process or none. If the kernel has no pidfds (before 5.3, or refused by the
/// filter of a container), the id is used, after the start time of the process was checked.
/// Calls: pidfd_open(2), pidfd_send_signal(2); kill(2) and rt_sigqueueinfo(2) without pidfds; ppoll(2) to wait for the end.</remarks>
public sealed unsafe class SignalTarget : IDisposable
{
    /// <summary>How far two values of the same start time may differ: the clock that gives the time of boot may be adjusted between
    /// them.</summary>
    private static readonly TimeSpan StartTolerance = TimeSpan.FromSeconds(1);

    private static volatile bool s_noDescriptors;

    private readonly SafeDescriptor? _process;
    private readonly long _startTicks;

    private SignalTarget(int processId, SafeDescriptor? process, string name, long startTicks)
    {
        ProcessId = processId;
        _process = process;
        Name = name;
        _startTicks = startTicks;
    }

    /// <summary>The process id.</summary>
    public int ProcessId { get; }

    /// <summary>The name, as the kernel has it: at most 15 characters.</summary>
    public string Name { get; }

    /// <summary>When the process started, in local time.</summary>
    public DateTime StartTime => ProcessTable.ToLocalTime(_startTicks);

    /// <summary>Whether the process belongs to the kernel, which ignores signals to it.</summary>
    public bool IsKernelThread { get; private init; }

    /// <summary>The name of the user that it belongs to, or the number of one without a name; null if it has ended.</summary>
    public string? Owner => ProcessTable.StatusOf(ProcessId)?.Owner;

    /// <summary>Whether it belongs to the current user, as far as that can be read.</summary>
    public bool IsOfCurrentUser => ProcessTable.StatusOf(ProcessId) is { } status && status.UserId == Libc.geteuid();

    /// <summary>Whether a descriptor of the process is held, and not only its id.</summary>
    public bool IsHeld => _process is not null;

    /// <summary>Whether the process has ended. It may still be a zombie that its parent has not waited for.</summary>
    public bool HasEnded => WaitForEnd(Deadline.Immediate);

    /// <summary>Opens a process.</summary>
    /// <param name="processId">The process id, 1 or more.</param>
    /// <param name="startTime">When the process started, in local time or UTC, so that another process with the same id is refused.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: no process has that id, or it started at another time;
    /// <see cref="IpcErrors.ProcessRefused"/>: to kill(2), 0 and negative numbers mean groups and never a process.</exception>
    public static SignalTarget Open(int processId, DateTime? startTime = null)
    {
        if (processId <= 0)
            throw new IpcException(IpcErrors.ProcessRefused,
                $"{processId} is not a process id. To the kernel, 0 means the sender's own group, -1 every process, and -N the group N.",
                processId.ToString(CultureInfo.InvariantCulture), "Give the id of a process, or the positive number of a process group.")
            { Advice = IpcAdvice.SignalGroup };
        var process = OpenDescriptor(processId);
        try
        {
            if (ProcessStat.TryRead(processId) is not { } seen) throw NotFound(processId);
            var started = ProcessTable.ToLocalTime(seen.StartTicks);
            if (startTime is { } wanted && (started - wanted.ToLocalTime()).Duration() > StartTolerance)
                throw new IpcException(IpcErrors.ProcessNotFound,
                    $"Process {processId}, started at {wanted.ToLocalTime():u}, has ended. "
                    + $"Its id now belongs to '{seen.Name}', started at {started:u}.",
                    processId.ToString(CultureInfo.InvariantCulture));
            return new SignalTarget(processId, process, seen.Name, seen.StartTicks) { IsKernelThread = seen.IsKernelThread };
        }
        catch
        {
            process?.Dispose();
            throw;
        }
    }

    /// <summary>Sends a signal to the process.</summary>
    /// <param name="signal">The signal. <see cref="Signal.Test"/> sends nothing, and only checks whether sending is possible.</param>
    /// <param name="value">A value to send with it, as sigqueue(3) does; null to send it as kill(2) does. A C program finds the low 32 bits
    /// in <c>si_value.sival_int</c> and all 64 in <c>sival_ptr</c>.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: the process has ended; <see cref="IpcErrors.AccessDenied"/>:
    /// it belongs to another user; <see cref="IpcErrors.SignalQueueFull"/>: its user has RLIMIT_SIGPENDING signals queued.</exception>
    public void Send(Signal signal, long? value = null)
    {
        var errno = TrySend(signal, value);
        if (errno != 0) throw Failed(errno, ProcessId, signal, value);
    }

    /// <summary>Waits until the process has ended.</summary>
    /// <returns>False if the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this kernel has no pidfds.</exception>
    public bool WaitForEnd(in WaitOptions wait)
    {
        if (_process is not null) return Waiter.Poll(_process, PollEvents.In, wait);
        if (wait.Deadline.IsImmediate) return ProcessStat.TryRead(ProcessId) is not { } now || now.StartTicks != _startTicks;
        throw NoDescriptors();
    }

    /// <summary>Waits until at least one of several processes has ended.</summary>
    /// <returns>The processes that have ended; empty if the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this kernel has no pidfds.</exception>
    public static IReadOnlyList<SignalTarget> WaitForAnyEnd(IReadOnlyList<SignalTarget> targets, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(targets);
        var polls = targets
            .Select(static t => new Libc.PollFd { Descriptor = (t._process ?? throw t.NoDescriptors()).Number, Requested = PollEvents.In })
            .ToArray();
        _ = Waiter.PollAny(polls, wait);
        return [.. targets.Where((_, i) => polls[i].Returned != PollEvents.None)];
    }

    /// <summary>Begins to watch whether the process has ended. Dispose the watch before this.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this kernel has no pidfds.</exception>
    public ReadinessWatch CreateWatch() => new ProcessWatch(this, _process ?? throw NoDescriptors());

    /// <summary>Sends a signal to every process of a process group.</summary>
    /// <param name="groupId">The group's number: the id of the process that leads it, or led it.</param>
    /// <param name="signal">The signal.</param>
    /// <param name="value">A value to send with it; needs Linux 6.9, and the leader must be alive.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: there is no such group;
    /// <see cref="IpcErrors.AccessDenied"/>: this user may not send signals to any of its processes; <see cref="IpcErrors.NotSupported"/>:
    /// a value was given and the kernel is older.</exception>
    public static void SendToGroup(int groupId, Signal signal, long? value = null)
    {
        if (groupId <= 0)
            throw new IpcException(IpcErrors.ProcessRefused, $"{groupId} is not the number of a process group.",
                groupId.ToString(CultureInfo.InvariantCulture), "Give the group's positive number.");
        var errno = value is { } number ? QueueToGroup(groupId, signal, number)
            : Libc.kill(-groupId, signal.Number) == 0 ? 0
            : Marshal.GetLastPInvokeError();
        if (errno == 0) return;
        if (errno != Errno.ESRCH) throw Failed(errno, groupId, signal, value);
        var own = Libc.getpgid(groupId);
        throw new IpcException(IpcErrors.ProcessNotFound, $"There is no process group {groupId}.",
            groupId.ToString(CultureInfo.InvariantCulture),
            own > 0 ? $"Process {groupId} is in the group {own}." : "The number of a group is the id of the process that leads it.")
        { Errno = errno, Call = "kill" };
    }

    /// <summary>Closes the descriptor. The process continues.</summary>
    public void Dispose() => _process?.Dispose();

    /// <summary>The name and the id.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({ProcessId})");

    private sealed class ProcessWatch(SignalTarget target, SafeDescriptor process) : ReadinessWatch
    {
        public override ReadyState Check() => target.HasEnded ? ReadyState.Ended : ReadyState.None;

        internal override void AddTo(PollSet polls) => polls.Add(process);
    }

    internal static IpcException NotFound(int processId) =>
        new(IpcErrors.ProcessNotFound, $"There is no process {processId}.", processId.ToString(CultureInfo.InvariantCulture))
        { Errno = Errno.ESRCH };

    private IpcException NoDescriptors() =>
        new(IpcErrors.PlatformNotSupported,
            "To wait for the end of a process that is not a child needs pidfd_open(2), which this kernel or container does not have.",
            ProcessId.ToString(CultureInfo.InvariantCulture));

    private static SafeDescriptor? OpenDescriptor(int processId)
    {
        if (s_noDescriptors) return null;
        var fd = Libc.pidfd_open(processId, 0);
        if (fd >= 0) return new SafeDescriptor(fd);
        var errno = Marshal.GetLastPInvokeError();
        switch (errno)
        {
            case Errno.ESRCH:
                throw NotFound(processId);
            // Which of the two it is depends on the version of the kernel.
            case Errno.EINVAL or Errno.ENOENT when ProcessStat.TryRead(processId) is { } thread:
                throw new IpcException(IpcErrors.ProcessNotFound, $"{processId} is a thread ('{thread.Name}'), not a process.",
                    processId.ToString(CultureInfo.InvariantCulture))
                { Errno = errno, Call = "pidfd_open" };
            case Errno.EINVAL or Errno.ENOENT:
                throw NotFound(processId);
            // The kernel does not have the call, or the filter of a container refuses it.
            case Errno.ENOSYS or Errno.EPERM:
                s_noDescriptors = true;
                return null;
            default:
                throw IpcException.FromErrno("pidfd_open", errno, processId.ToString(CultureInfo.InvariantCulture));
        }
    }

    private int TrySend(Signal signal, long? value)
    {
        var info = Information(signal, value ?? 0);
        int result;
        if (_process is not null)
        {
            result = Libc.pidfd_send_signal(_process, signal.Number, value is null ? null : &info, 0);
        }
        else
        {
            if (ProcessStat.TryRead(ProcessId) is not { } now || now.StartTicks != _startTicks) return Errno.ESRCH;
            result = value is null ? Libc.kill(ProcessId, signal.Number) : Libc.rt_sigqueueinfo(ProcessId, signal.Number, &info);
        }
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private static int QueueToGroup(int groupId, Signal signal, long value)
    {
        using var leader = OpenDescriptor(groupId);
        var info = Information(signal, value);
        var errno = leader is null ? Errno.ENOSYS
            : Libc.pidfd_send_signal(leader, signal.Number, &info, Libc.PIDFD_SIGNAL_PROCESS_GROUP) == 0 ? 0
            : Marshal.GetLastPInvokeError();
        if (errno is Errno.ENOSYS or Errno.EINVAL)
            throw new IpcException(IpcErrors.NotSupported, "A value can be sent to a whole process group only on Linux 6.9 and later.",
                groupId.ToString(CultureInfo.InvariantCulture), "Send the signal to each process, or without a value.");
        return errno;
    }

    // What sigqueue(3) fills in. The kernel refuses only codes that are its own.
    private static Libc.SigInfo Information(Signal signal, long value) => new()
    {
        Signal = signal.Number,
        Code = SignalCodes.SI_QUEUE,
        ProcessId = Environment.ProcessId,
        UserId = Libc.getuid(),
        Value = (ulong)value,
    };

    private static IpcException Failed(int errno, int processId, Signal signal, long? value)
    {
        var target = processId.ToString(CultureInfo.InvariantCulture);
        var call = value is null ? "kill" : "sigqueue";
        switch (errno)
        {
            case Errno.ESRCH:
                return new IpcException(IpcErrors.ProcessNotFound, $"Process {processId} has ended.", target)
                { Errno = errno, Call = call };
            case Errno.EPERM:
                return new IpcException(IpcErrors.AccessDenied,
                    $"Signal {signal} could not be sent to process {processId}, which belongs to {ProcessTable.OwnerOf(processId)}.",
                    target, "Only root and processes of the same user may send it signals.")
                { Errno = errno, Call = call };
            case Errno.EAGAIN:
                return new IpcException(IpcErrors.SignalQueueFull,
                    $"Signal {signal} could not be sent to process {processId}: {Fill(processId)}.", target,
                    "Send again when the receiver has handled some, or raise its RLIMIT_SIGPENDING: 'ulimit -i' where it is started.")
                { Errno = errno, Call = call };
            default:
                return IpcException.FromErrno(call, errno, target);
        }
    }

    private static string Fill(int processId)
    {
        try
        {
            var state = ProcessSignals.Read(processId);
            return $"its user has {state.Queued} signals queued, of {state.QueueLimit} allowed";
        }
        catch (IpcException)
        {
            return "its user has as many signals queued as are allowed";
        }
    }
}

/// <summary>The result of sending a signal.</summary>
/// <param name="ProcessId">The process id, or the number of the process group.</param>
/// <param name="Name">The name of the process; null for a group.</param>
/// <param name="Signal">The signal that was sent first.</param>
/// <param name="Value">The value that was sent with it; null if there was none.</param>
public sealed record SignalDelivery(int ProcessId, string? Name, Signal Signal, long? Value)
{
    /// <summary>Whether the process has ended; null if the sender did not wait for that.</summary>
    public bool? HasEnded { get; init; }

    /// <summary>The signal after which it ended; null if it has not, or the sender did not wait.</summary>
    public Signal? EndedBy { get; init; }

    /// <summary>How long it took to end after the first signal; null if it has not, or the sender did not wait.</summary>
    public TimeSpan? Elapsed { get; init; }
}
