using System.Runtime.InteropServices;

namespace IpcPs.Processes;

/// <summary>A child process that inherits only the descriptors it is meant to have: no other descriptor, even where other threads start
/// processes too, no ignored signal and no blocked signal. A pidfd is used to wait for it and to signal it, so it is never confused with a
/// later process of the same id. It leaves no zombie, even where this object is disposed first.</summary>
/// <remarks>The child does not end with its parent. To make it do so, give it the read end of a pipe and let it exit at the end of that.
/// (With
/// PR_SET_PDEATHSIG it would get a signal when the thread that started it ends.)
/// Calls: posix_spawn(3), pidfd_open(2), ppoll(2), waitid(2), pidfd_send_signal(2); without pidfds (before Linux 5.3) kill(2).</remarks>
public sealed class ChildProcess : IDisposable
{
    private readonly object _guard = new();
    private readonly SafeDescriptor? _pidfd;
    private readonly Thread? _reaper;
    private readonly string _name;
    private ProcessExit? _exit;

    private ChildProcess(int id, string name, bool ownSession)
    {
        Id = id;
        _name = name;
        HasOwnGroup = ownSession;
        // No race: until it is waited for, the id stays the child's, even when it has ended.
        var pidfd = Libc.pidfd_open(id, 0);
        if (pidfd >= 0) _pidfd = new SafeDescriptor(pidfd);
        if (Environment.ProcessId != 1) return;
        // As process 1, the .NET runtime waits for every child that ends, because orphans are its children too. What it waited for has no
        // exit code any more. A thread that is in waitid(2) already is before it: the runtime wakes two threads first.
        _reaper = BackgroundThread.TryStart($"IpcPs waits for process {id}", ReapAtEnd);
    }

    /// <summary>Its process id.</summary>
    public int Id { get; }

    /// <summary>Whether it leads a process group of its own.</summary>
    public bool HasOwnGroup { get; }

    /// <summary>How it ended; null until a wait has seen that.</summary>
    public ProcessExit? Exit
    {
        get
        {
            lock (_guard) return _exit;
        }
    }

    /// <summary>The pidfd, for a poll of several; -1 where the kernel has none.</summary>
    internal int PidDescriptor => _pidfd is { IsClosed: false } ? _pidfd.Number : -1;

    /// <summary>Starts a child. Returns when the program is loaded, so a program that does not exist is an error here.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/> (not executable),
    /// <see cref="IpcErrors.LimitReached"/> (processes, descriptors), <see cref="IpcErrors.MessageTooLarge"/> (arguments).</exception>
    public static ChildProcess Start(ChildProcessOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var request = new SpawnRequest(options);
        var (errno, id) = request.Spawn(options);
        return errno == 0 ? new ChildProcess(id, options.FileName, options.OwnSession) : throw Failed(options, errno);
    }

    /// <summary>Waits until it has ended, and releases its process id.</summary>
    /// <returns>False when the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the child runs on.</exception>
    public bool WaitForExit(in WaitOptions wait = default)
    {
        if (Exit is not null) return true;
        if (!HasEnded(wait)) return false;
        if (_reaper is null) TryReap();
        else _reaper.Join();
        return true;
    }

    /// <summary>Sends it a signal.</summary>
    /// <returns>False where it has ended.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/> (it runs as another user now),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public bool Signal(int signal)
    {
        lock (_guard)
        {
            if (_exit is not null) return false;
            var result = _pidfd is not null ? Libc.pidfd_send_signal(_pidfd.Number, signal) : Libc.kill(Id, signal);
            return result == 0 || Ended("pidfd_send_signal");
        }
    }

    /// <summary>Sends a signal to every process of its group: to it, and to the processes that it started there.</summary>
    /// <returns>False where it has ended: its group's id may belong to another group now.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: it has no group of its own.</exception>
    public bool SignalGroup(int signal)
    {
        if (!HasOwnGroup) throw NoGroup();
        lock (_guard)
        {
            if (_exit is not null) return false;
            return Libc.kill(-Id, signal) == 0 || Ended("kill");
        }
    }

    /// <summary>Waits until it has ended. Unlike <see cref="WaitForExit"/>, keeps its process id, so that its group can still be
    /// signalled.</summary>
    /// <returns>False when the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public bool WaitForEnd(in WaitOptions wait = default) => Exit is not null || HasEnded(wait);

    /// <summary>Ends what it left in its group, after its own end: waits for the other processes, and kills those that are still there
    /// when the time is over. When this returns, none of them runs.</summary>
    /// <param name="ask">Whether to send them TERM first.</param>
    /// <param name="grace">How long they may take.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: it has no group of its own.</exception>
    public void EndGroup(bool ask, in WaitOptions grace)
    {
        if (!HasOwnGroup) throw NoGroup();
        // A group's id is not given to another process while the group has members, nor before the child was waited for. Where the
        // runtime did that (see Reap), all other ids would have to be used first.
        if (ask && !ProcessGroup.IsEmpty(Id)) _ = Libc.kill(-Id, Libc.SIGTERM);
        if (ProcessGroup.WaitUntilEmpty(Id, grace)) return;
        _ = Libc.kill(-Id, Libc.SIGKILL);
        // A process in an uninterruptible wait ends when the kernel lets it.
        ProcessGroup.WaitUntilEmpty(Id, Deadline.After(TimeSpan.FromSeconds(1)));
    }

    /// <summary>Releases the child. It runs on, and leaves no zombie when it ends.</summary>
    public void Dispose()
    {
        if (Exit is null && !WaitForExit(Deadline.Immediate))
        {
            // Without the thread, a zombie stays until this process ends.
            if (BackgroundThread.TryStart($"IpcPs waits for process {Id}", ReapLater) is not null) return;
        }
        _pidfd?.Dispose();
    }

    private IpcException NoGroup() => new(IpcErrors.InvalidOperation, $"Process {Id} shares its parent's process group.");

    private static IpcException Failed(ChildProcessOptions options, int errno)
    {
        var hint = errno switch
        {
            Errno.ENOENT => options.WorkingDirectory is null ? "No such program." : "No such program, or no such working directory.",
            Errno.EACCES => "It is not executable for this user.",
            Errno.E2BIG => "Arguments and environment together are larger than the kernel allows.",
            Errno.EAGAIN => "The user's process limit is reached: see 'ulimit -u' and the container's pids limit.",
            _ => null,
        };
        return IpcException.FromErrno("posix_spawn", errno, options.FileName, hint, errno == Errno.EAGAIN ? IpcErrors.LimitReached : null);
    }

    private bool HasEnded(in WaitOptions wait)
    {
        if (_pidfd is not null) return Waiter.Poll(_pidfd, PollEvents.In, wait);
        if (wait.Deadline.IsImmediate) return _reaper?.Join(0) ?? TryReap();
        var call = new WaitCall(Id);
        var errno = InterruptibleCall.Invoke<WaitCall, int>(ref call, out _, wait);
        return errno switch
        {
            0 or Errno.ECHILD => true,
            Errno.ETIMEDOUT => false,
            _ => throw IpcException.FromErrno("waitid", errno, _name),
        };
    }

    private bool TryReap()
    {
        lock (_guard)
        {
            _exit ??= Reap(Libc.WNOHANG);
            return _exit is not null;
        }
    }

    private void ReapAtEnd()
    {
        // Without the lock, which would keep signals from the child. No other thread reaps where this one runs.
        var exit = Reap(0);
        lock (_guard) _exit = exit;
    }

    /// <summary>Reads the exit status, and releases the process id.</summary>
    /// <returns>Null where it has not ended.</returns>
    private unsafe ProcessExit? Reap(int options)
    {
        Libc.ChildInfo info = default;
        while (Libc.waitid(Libc.P_PID, (uint)Id, &info, Libc.WEXITED | options) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EINTR) continue;
            if (errno != Errno.ECHILD) throw IpcException.FromErrno("waitid", errno, _name);
            // The runtime was first, or SIGCHLD is ignored. From Linux 6.15 on, the pidfd knows the status still.
            return _pidfd is not null && Libc.ExitStatus(_pidfd) is { } status ? FromStatus(status) : default(ProcessExit);
        }
        if (info.ProcessId == 0) return null;
        return info.Code == Libc.CLD_EXITED
            ? new ProcessExit(info.Status, null, false)
            : new ProcessExit(null, info.Status, info.Code == Libc.CLD_DUMPED);
    }

    /// <summary>Reads a status of wait(2).</summary>
    private static ProcessExit FromStatus(int status) => (status & 0x7f) == 0
        ? new ProcessExit((status >> 8) & 0xff, null, false)
        : new ProcessExit(null, status & 0x7f, (status & 0x80) != 0);

    private void ReapLater()
    {
        WaitForExit();
        _pidfd?.Dispose();
    }

    private bool Ended(string call)
    {
        var errno = Marshal.GetLastPInvokeError();
        return errno == Errno.ESRCH ? false : throw IpcException.FromErrno(call, errno, _name);
    }

    private readonly unsafe struct WaitCall(int id) : IBlockingCall<int>
    {
        public int Invoke(out int result)
        {
            Libc.ChildInfo info = default;
            result = Libc.waitid(Libc.P_PID, (uint)id, &info, Libc.WEXITED | Libc.WNOWAIT);
            return result == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }
}
