using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Tracing;

/// <summary>What the processes that have a channel open send and receive on it, seen in their system calls by strace(1). This is for what
/// the kernel shows only to the receiver: pipes, Unix sockets and POSIX queues. A traced process is stopped briefly at each of its
/// calls.</summary>
/// <remarks>Calls of strace: ptrace(2). What passes by io_uring(7) is not seen.</remarks>
internal sealed class SystemCallTrace : IpcTrace
{
    private readonly TapTarget _target;
    private readonly StraceProcess _strace;
    private readonly Dictionary<int, string> _unfinished = [];
    private readonly Dictionary<int, int> _processes = [];
    private readonly Queue<IpcTraceRecord> _found = new();

    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no other process has it open;
    /// <see cref="IpcErrors.PlatformNotSupported"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public SystemCallTrace(IpcAddress address, IpcFormat format, in WaitOptions wait) : base(address, format)
    {
        _target = TapTarget.Find(address);
        if (_target.Holders.Count == 0) throw NoHolder(address, _target.Unseen);
        _strace = StraceProcess.Attach(address, _target.Holders, wait);
        Means = $"by the system calls of {(_target.Holders.Count == 1 ? "process" : "the processes")} {string.Join(", ", _target.Holders)}";
    }

    public override IpcTraceRecord? Read(in WaitOptions wait)
    {
        while (true)
        {
            if (_found.TryDequeue(out var record)) return record;
            if (_strace.ReadLine(TimedOut, wait) is not { } line) return null;
            if (StraceLine.TryParse(line, _unfinished) is { } call) Describe(call);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _strace.Dispose();
    }

    private void Describe(StraceLine call)
    {
        // The bytes stay within the kernel: out of one descriptor, and into the other.
        if (call.OtherLink is { } to)
        {
            foreach (var (size, _) in call.Messages)
            {
                if (_target.Is(call.Link)) Add(call, false, size, []);
                if (_target.Is(to)) Add(call, true, size, []);
            }
        }
        else if (_target.Is(call.Link))
        {
            foreach (var (size, bytes) in call.Messages) Add(call, call.IsSend, size, bytes);
        }
    }

    private void Add(StraceLine call, bool isSend, long size, byte[] bytes)
    {
        // A read of nothing is the end of the stream. A queue and a packet socket have empty messages.
        if (size == 0 && Address.Scheme != IpcScheme.Mq && !_target.IsServer) return;
        var process = ProcessOf(call.ThreadId);
        // A server receives what is sent to its address. A pipe and a queue are themselves the address.
        var record = Packet(bytes, isSend != _target.IsServer ? "->" : "<-", isSend ? process : null);
        _found.Enqueue(record with
        {
            Time = call.Time,
            Receiver = isSend ? null : process,
            // More than is shown; an envelope says itself how much.
            Size = record.Size == bytes.Length ? size : record.Size,
            Preview = call.OtherLink is null ? record.Preview : "(moved within the kernel, not shown)",
        });
    }

    private static IpcException NoHolder(IpcAddress address, string? unseen) =>
        new(IpcErrors.NotFound, $"'{address}' can't be traced: " + (unseen is null ? "no other process has it open."
            : $"no other process was found that has it open, but {unseen}."), address.Text,
            "Start a program that has it open first: what passes is seen in its system calls. "
            + "Or put a relay between the two sides, and trace that.")
        { Advice = IpcAdvice.UseRelay };

    private int ProcessOf(int thread)
    {
        if (!_processes.TryGetValue(thread, out var process)) _processes[thread] = process = ProcFile.ProcessOfThread(thread);
        return process;
    }
}
