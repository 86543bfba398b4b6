using System.Globalization;
using IpcPs.Proc;

namespace IpcPs.Signals;

/// <summary>What a process, or a thread of it, does with signals at one moment (/proc/PID/status, proc(5)).</summary>
public sealed class ProcessSignals
{
    private ProcessSignals(int processId, int threadId, IReadOnlyDictionary<string, string> status)
    {
        ProcessId = processId;
        ThreadId = threadId;
        Name = status.GetValueOrDefault("Name", "");
        Blocked = Set(status, "SigBlk");
        Ignored = Set(status, "SigIgn");
        Caught = Set(status, "SigCgt");
        ThreadPending = Set(status, "SigPnd");
        ProcessPending = Set(status, "ShdPnd");
        var queue = status.GetValueOrDefault("SigQ", "0/0").Split('/');
        Queued = long.Parse(queue[0], CultureInfo.InvariantCulture);
        QueueLimit = long.Parse(queue[1], CultureInfo.InvariantCulture);
    }

    /// <summary>The process.</summary>
    public int ProcessId { get; }

    /// <summary>The thread; of a process its first, whose id is the process's.</summary>
    public int ThreadId { get; }

    /// <summary>The name of the process or thread, as the kernel has it: at most 15 characters.</summary>
    public string Name { get; }

    /// <summary>What it holds back for now. Each thread has its own.</summary>
    public SignalSet Blocked { get; }

    /// <summary>What it throws away.</summary>
    public SignalSet Ignored { get; }

    /// <summary>What it has a handler for.</summary>
    public SignalSet Caught { get; }

    /// <summary>What was sent to this thread alone and waits until it no longer blocks it.</summary>
    public SignalSet ThreadPending { get; }

    /// <summary>What was sent to the process and waits for a thread that doesn't block it.</summary>
    public SignalSet ProcessPending { get; }

    /// <summary>Both of the above.</summary>
    public SignalSet Pending => new(ThreadPending.Mask | ProcessPending.Mask);

    /// <summary>How many signals are queued for all processes of its user together.</summary>
    public long Queued { get; }

    /// <summary>How many may be (RLIMIT_SIGPENDING).</summary>
    public long QueueLimit { get; }

    /// <summary>Looks at a process.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>.</exception>
    public static ProcessSignals Read(int processId) =>
        TryRead(processId, processId, ProcFile.Process(processId) + "/status") ?? throw SignalTarget.NotFound(processId);

    /// <summary>Looks at each thread of a process; threads that end meanwhile are left out.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>.</exception>
    public static IReadOnlyList<ProcessSignals> ReadThreads(int processId)
    {
        var found = new List<ProcessSignals>();
        try
        {
            foreach (var id in ProcFile.Numbers(ProcFile.Threads(processId)))
            {
                if (TryRead(processId, id, ProcFile.Thread(processId, id) + "/status") is { } thread) found.Add(thread);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Ended between two threads: what there is.
        }
        return found.Count > 0 ? found : throw SignalTarget.NotFound(processId);
    }

    private static ProcessSignals? TryRead(int processId, int threadId, string path)
    {
        try
        {
            var status = new Dictionary<string, string>();
            foreach (var line in File.ReadLines(path))
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon > 0) status[line[..colon]] = line[(colon + 1)..].Trim();
            }
            return status.ContainsKey("SigBlk") ? new ProcessSignals(processId, threadId, status) : null;
        }
        // A thread that ends while its file is read gives ESRCH, which .NET has no exception of its own for.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static SignalSet Set(IReadOnlyDictionary<string, string> status, string key) =>
        new(ulong.Parse(status.GetValueOrDefault(key, "0"), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}
