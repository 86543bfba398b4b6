using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Processes;

/// <summary>The processes of this machine, as /proc shows them (proc(5)).</summary>
public static class ProcessTable
{
    // USER_HZ: the unit of start times, on every supported architecture.
    private const long TicksPerSecond = 100;

    // The kernel's TASK_COMM_LEN without the closing NUL.
    private const int MaxKernelName = 15;

    /// <summary>The number and the name of each process that runs. The kernel cuts names at 15 characters; where the program's own name
    /// is longer, it is given whole.</summary>
    public static IEnumerable<(int ProcessId, string Name)> All()
    {
        foreach (var id in ProcFile.Processes())
        {
            if (ProcessStat.TryRead(id) is { } process) yield return (id, WholeName(id, process.Name));
        }
    }

    /// <summary>The words of the command that a process runs; none where it has ended, or has none.</summary>
    public static IReadOnlyList<string> CommandOf(int processId) =>
        ProcFile.ReadText(ProcFile.Process(processId) + "/cmdline")?.TrimEnd('\0').Split('\0') ?? [];

    /// <summary>Whether a process runs; false for a zombie.</summary>
    public static bool IsRunning(int processId) => ProcessStat.TryRead(processId) is { HasEnded: false };

    internal static DateTime ToLocalTime(long startTicks)
    {
        // As .NET's Process does: the wall clock now, minus the time since boot.
        var started = TimeSpan.FromSeconds((double)startTicks / TicksPerSecond);
        return (DateTime.UtcNow - ProcFile.TimeSinceBoot() + started).ToLocalTime();
    }

    internal static string OwnerOf(int processId) =>
        StatusOf(processId) is { } status ? $"the user {status.Owner}" : "another user";

    /// <summary>The user that owns a process: of the current user only those whose memory it may read. The kernel gives the others of
    /// them, which have raised their rights, to root (proc(5)). Null if the process has ended.</summary>
    internal static FileStatus? StatusOf(int processId) => FileStatus.TryOf(ProcFile.Process(processId));

    private static string WholeName(int processId, string name)
    {
        if (name.Length < MaxKernelName || ProcFile.ReadText(ProcFile.Process(processId) + "/cmdline") is not { } command) return name;
        // The first word is the program, or the interpreter of a script, which is the second word then.
        return command.Split('\0').Take(2).Select(static w => Path.GetFileName(w))
            .FirstOrDefault(w => w.StartsWith(name, StringComparison.Ordinal)) ?? name;
    }
}

/// <summary>What a child process that leads its own session does to itself and to the programs that it started.</summary>
public static class CurrentProcess
{
    /// <summary>Makes this process the leader of a group of its own, which the programs that it starts belong to (setpgid(2)).</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.SystemError"/>.</exception>
    public static void LeadGroup()
    {
        if (Libc.setpgid(0, 0) != 0) throw IpcException.FromErrno("setpgid", Marshal.GetLastPInvokeError(), null);
    }

    /// <summary>Lets the standard output of this process, and of the programs that it starts, go to a channel (dup2(2)).</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.SystemError"/>.</exception>
    public static void SendStandardOutputTo(IpcChannel channel)
    {
        InheritedDescriptor output = new(InheritedObjects.DescriptorsOf(channel)[0], 1);
        output.MakeBlocking();
        if (Libc.dup2(output.Descriptor, output.Number) < 0)
            throw IpcException.FromErrno("dup2", Marshal.GetLastPInvokeError(), null);
    }

    /// <summary>Whether no process has the other end of a channel open any more (POLLHUP of poll(2)); also where this end is
    /// closed.</summary>
    public static bool HasLost(IpcChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        try
        {
            return channel.ReadinessDescriptor(Deadline.Immediate) is not { } descriptor
                || Waiter.Poll(descriptor, PollEvents.None, Deadline.Immediate);
        }
        catch (Exception e) when (e is IpcException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Whether no other process of its group runs.</summary>
    public static bool IsAloneInGroup => ProcessGroup.IsEmpty(Environment.ProcessId, except: Environment.ProcessId);

    /// <summary>Sends TERM to this process and its whole process group (kill(2)).</summary>
    public static void TerminateGroup() => _ = Libc.kill(0, Libc.SIGTERM);

    /// <summary>Waits until no other process of its group runs.</summary>
    /// <returns>False when the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static bool WaitUntilAloneInGroup(in WaitOptions wait) =>
        ProcessGroup.WaitUntilEmpty(Environment.ProcessId, wait, except: Environment.ProcessId);

    /// <summary>Kills this process and its whole process group, for a child whose parent has ended while its own work goes on
    /// (kill(2)).</summary>
    public static void KillGroup() => _ = Libc.kill(0, Libc.SIGKILL);
}
