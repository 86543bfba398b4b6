using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Proc;
using IpcPs.Processes;

namespace IpcPs.Signals;

/// <summary>A process to send signals to, held so that its number can't come to mean another one meanwhile.</summary>
/// <remarks>A process id is only a number: when its process has ended and was waited for, the kernel gives it to another. This holds the process
/// itself (a pidfd), so what is sent reaches that process or nobody. Where the kernel has no pidfds (before 5.3, or a filter in
/// a container refuses them) the number is used, after a look at the process's start time.
/// Calls: pidfd_open(2), pidfd_send_signal(2); kill(2) and rt_sigqueueinfo(2) in their absence; ppoll(2) to wait for the end.</remarks>
public sealed unsafe class SignalTarget : IDisposable
{
    /// <summary>How far two readings of one start time may lie apart: each program takes the time of boot from a clock that is being set.</summary>
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

    /// <summary>Its number.</summary>
    public int ProcessId { get; }

    /// <summary>Its name, as the kernel has it: at most 15 characters.</summary>
    public string Name { get; }

    /// <summary>When it started.</summary>
    public DateTime StartTime => ProcessTable.ToLocalTime(_startTicks);

    /// <summary>Whether the process itself is held, and not only its number.</summary>
    public bool IsHeld => _process is not null;

    /// <summary>Whether it has ended (it may still be a zombie, which its parent has not waited for).</summary>
    public bool HasEnded => WaitForEnd(Deadline.Immediate);

    /// <summary>Holds a process.</summary>
    /// <param name="processId">Its number, 1 or more.</param>
    /// <param name="startTime">When the process that is meant started, local time or UTC; another process that has the number by now is refused.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: there is none of that number, or it started at another time;
    /// <see cref="IpcErrors.ProcessRefused"/>: 0 and negative numbers mean groups to kill(2), never a process.</exception>
    public static SignalTarget Open(int processId, DateTime? startTime = null)
    {
        if (processId <= 0)
            throw new IpcException(IpcErrors.ProcessRefused, $"{processId} is not a process: to the kernel, 0 means the sender's own group, -1 every process, and -N the group N.", processId.ToString(CultureInfo.InvariantCulture),
                "Name a process, or a process group by its positive number.") { Advice = IpcAdvice.SignalGroup };
        var process = OpenDescriptor(processId);
        try
        {
            if (ProcessStat.TryRead(processId) is not { } seen) throw NotFound(processId);
            if (startTime is { } wanted && (ProcessTable.ToLocalTime(seen.StartTicks) - wanted.ToLocalTime()).Duration() > StartTolerance)
                throw new IpcException(IpcErrors.ProcessNotFound, string.Create(CultureInfo.InvariantCulture,
                    $"The process {processId} that started at {wanted.ToLocalTime():u} has ended; {processId} is now '{seen.Name}', started at {ProcessTable.ToLocalTime(seen.StartTicks):u}."),
                    processId.ToString(CultureInfo.InvariantCulture));
            return new SignalTarget(processId, process, seen.Name, seen.StartTicks);
        }
        catch
        {
            process?.Dispose();
            throw;
        }
    }

    /// <summary>Sends a signal to the process.</summary>
    /// <param name="signal">Which; <see cref="Signal.Test"/> sends none, and only looks whether it could.</param>
    /// <param name="value">A number to send along: a C program finds its low 32 bits in <c>si_value.sival_int</c>, all 64 in <c>sival_ptr</c>. A signal with a value is
    /// one of sigqueue(3), without one of kill(2).</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: it has ended; <see cref="IpcErrors.AccessDenied"/>: it is another user's;
    /// <see cref="IpcErrors.SignalQueueFull"/>: its user has RLIMIT_SIGPENDING signals queued.</exception>
    public void Send(Signal signal, long? value = null)
    {
        var errno = TrySend(signal, value);
        if (errno != 0) throw Failed(errno, ProcessId, signal, value);
    }

    /// <summary>Waits until the process has ended.</summary>
    /// <returns>False when the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this kernel has no pidfds.</exception>
    public bool WaitForEnd(in WaitOptions wait)
    {
        if (_process is not null) return Waiter.Poll(_process, PollEvents.In, wait);
        if (wait.Deadline.IsImmediate) return ProcessStat.TryRead(ProcessId) is not { } now || now.StartTicks != _startTicks;
        throw NoDescriptors();
    }

    /// <summary>Waits until at least one of several processes has ended.</summary>
    /// <returns>Those that have; none when the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this kernel has no pidfds.</exception>
    public static IReadOnlyList<SignalTarget> WaitForAnyEnd(IReadOnlyList<SignalTarget> targets, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(targets);
        var polls = targets.Select(static t => new Libc.PollFd { Descriptor = (t._process ?? throw t.NoDescriptors()).Number, Requested = PollEvents.In }).ToArray();
        _ = Waiter.PollAny(polls, wait);
        return [.. targets.Where((_, i) => polls[i].Returned != PollEvents.None)];
    }

    /// <summary>Sends a signal to every process of a process group.</summary>
    /// <param name="groupId">The group's number: that of the process that leads, or led, it.</param>
    /// <param name="signal">Which.</param>
    /// <param name="value">A number to send along; needs Linux 6.9, and the leader to be alive.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: there is no such group; <see cref="IpcErrors.AccessDenied"/>: none of its processes may be
    /// sent signals; <see cref="IpcErrors.NotSupported"/>: a value, and the kernel is older.</exception>
    public static void SendToGroup(int groupId, Signal signal, long? value = null)
    {
        if (groupId <= 0)
            throw new IpcException(IpcErrors.ProcessRefused, $"{groupId} is not the number of a process group.", groupId.ToString(CultureInfo.InvariantCulture), "Give the group's positive number.");
        var errno = value is { } number ? QueueToGroup(groupId, signal, number) : Libc.kill(-groupId, signal.Number) == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (errno == 0) return;
        if (errno != Errno.ESRCH) throw Failed(errno, groupId, signal, value);
        var own = Libc.getpgid(groupId);
        throw new IpcException(IpcErrors.ProcessNotFound, $"There is no process group {groupId}.", groupId.ToString(CultureInfo.InvariantCulture),
            own > 0 ? $"The process {groupId} is in the group {own}." : "The number of a group is that of the process that leads it.")
        { Errno = errno, Call = "kill" };
    }

    /// <summary>Lets go of the process, which goes on.</summary>
    public void Dispose() => _process?.Dispose();

    /// <summary>Name and number.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({ProcessId})");

    internal static IpcException NotFound(int processId) =>
        new(IpcErrors.ProcessNotFound, $"There is no process {processId}.", processId.ToString(CultureInfo.InvariantCulture)) { Errno = Errno.ESRCH };

    private IpcException NoDescriptors() =>
        new(IpcErrors.PlatformNotSupported, "Waiting for the end of a process that is not a child needs pidfd_open(2), which this kernel or container lacks.", ProcessId.ToString(CultureInfo.InvariantCulture));

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
            // Which of the two depends on the kernel's age.
            case Errno.EINVAL or Errno.ENOENT when ProcessStat.TryRead(processId) is { } thread:
                throw new IpcException(IpcErrors.ProcessNotFound, $"{processId} is a thread ('{thread.Name}'), not a process.", processId.ToString(CultureInfo.InvariantCulture)) { Errno = errno, Call = "pidfd_open" };
            case Errno.EINVAL or Errno.ENOENT:
                throw NotFound(processId);
            // Not there, or refused by a container's filter that doesn't know it.
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
        var errno = leader is null ? Errno.ENOSYS : Libc.pidfd_send_signal(leader, signal.Number, &info, Libc.PIDFD_SIGNAL_PROCESS_GROUP) == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (errno is Errno.ENOSYS or Errno.EINVAL)
            throw new IpcException(IpcErrors.NotSupported, "A value can be sent to a whole process group from Linux 6.9 on.", groupId.ToString(CultureInfo.InvariantCulture), "Send it to each process, or without a value.");
        return errno;
    }

    // What sigqueue(3) fills in. The kernel checks that nobody but itself says "kernel"; it believes the rest.
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
                return new IpcException(IpcErrors.ProcessNotFound, $"The process {processId} has ended.", target) { Errno = errno, Call = call };
            case Errno.EPERM:
                return new IpcException(IpcErrors.AccessDenied, $"{signal} to {processId} was refused: it is a process of {ProcessTable.OwnerOf(processId)}.", target,
                    "Only root, and processes of the same user, may send it signals.")
                { Errno = errno, Call = call };
            case Errno.EAGAIN:
                return new IpcException(IpcErrors.SignalQueueFull, $"{signal} to {processId} was refused: {Fill(processId)}.", target,
                    "The receiver is behind: send again when it has taken some. The limit is RLIMIT_SIGPENDING of the receiver: 'ulimit -i' where it is started.")
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
            return "its user has as many signals queued as allowed";
        }
    }
}
