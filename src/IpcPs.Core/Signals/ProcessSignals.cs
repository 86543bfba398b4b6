using System.Collections;
using System.Globalization;
using IpcPs.Proc;

namespace IpcPs.Signals;

/// <summary>What a process, or one of its threads, does with signals at one moment (/proc/PID/status, proc(5)).</summary>
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

    /// <summary>The process id.</summary>
    public int ProcessId { get; }

    /// <summary>The thread id. For a process, that of its first thread, which is the process id.</summary>
    public int ThreadId { get; }

    /// <summary>The name of the process or thread, as the kernel has it: at most 15 characters.</summary>
    public string Name { get; }

    /// <summary>The signals that wait until they are unblocked. Each thread has its own set.</summary>
    public SignalSet Blocked { get; }

    /// <summary>The signals that are discarded.</summary>
    public SignalSet Ignored { get; }

    /// <summary>The signals that have a handler.</summary>
    public SignalSet Caught { get; }

    /// <summary>The signals that were sent to this thread alone, and wait until it unblocks them.</summary>
    public SignalSet ThreadPending { get; }

    /// <summary>The signals that were sent to the process, and wait for a thread that does not block them.</summary>
    public SignalSet ProcessPending { get; }

    /// <summary>Both kinds of pending signals.</summary>
    public SignalSet Pending => new(ThreadPending.Mask | ProcessPending.Mask);

    /// <summary>The number of signals that are queued for all processes of its user together.</summary>
    public long Queued { get; }

    /// <summary>The largest number that may be queued (RLIMIT_SIGPENDING).</summary>
    public long QueueLimit { get; }

    /// <summary>Reads what a process does with signals.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>.</exception>
    public static ProcessSignals Read(int processId) =>
        TryRead(processId, processId, ProcFile.Process(processId) + "/status") ?? throw SignalTarget.NotFound(processId);

    /// <summary>Reads what each thread of a process does with signals. Threads that end meanwhile are left out.</summary>
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
            // The process ended between two of its threads.
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
        // Reading the file of a thread that has just ended fails with ESRCH, which .NET reports as an IOException.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static SignalSet Set(IReadOnlyDictionary<string, string> status, string key) =>
        new(ulong.Parse(status.GetValueOrDefault(key, "0"), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}

/// <summary>A set of signals: 64 bits, as the kernel keeps it.</summary>
public sealed class SignalSet : IReadOnlyCollection<Signal>
{
    internal SignalSet(ulong mask) => Mask = mask;

    /// <summary>The bits. Bit 0 is signal 1.</summary>
    public ulong Mask { get; }

    /// <inheritdoc/>
    public int Count => System.Numerics.BitOperations.PopCount(Mask);

    /// <summary>Whether the set has a signal.</summary>
    public bool Contains(Signal signal) => signal.Number is >= 1 and <= 64 && (Mask & signal.Mask) != 0;

    /// <inheritdoc/>
    public IEnumerator<Signal> GetEnumerator()
    {
        for (var n = 1; n <= 64; n++)
        {
            if ((Mask & 1UL << (n - 1)) != 0) yield return new Signal(n);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The names, with each run of real-time signals as a range: <c>PIPE RTMIN+1..RTMAX</c>.</summary>
    public override string ToString()
    {
        var words = new List<string>();
        for (var n = 1; n <= 64; n++)
        {
            if ((Mask & 1UL << (n - 1)) == 0) continue;
            var last = n;
            while (n >= Signal.RealTimeMinimum && last < 64 && (Mask & 1UL << last) != 0) last++;
            words.Add(last - n < 2 ? SignalTable.NameOf(n) : $"{SignalTable.NameOf(n)}..{SignalTable.NameOf(last)}");
            if (last - n >= 2) n = last;
        }
        return string.Join(' ', words);
    }
}
