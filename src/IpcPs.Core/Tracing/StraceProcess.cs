using System.Globalization;
using System.Text;
using IpcPs.Pipes;
using IpcPs.Processes;

namespace IpcPs.Tracing;

/// <summary>A running strace(1) that is attached to other processes (ptrace(2)). It detaches where it is disposed, and also where this
/// process is killed.</summary>
internal sealed class StraceProcess : IDisposable
{
    /// <summary>More bytes of a message are not shown.</summary>
    public const int MaxShown = 16 * 1024;

    private const string Program = "strace";

    // The calls that move bytes. A question mark: where this machine's kernel has no such call.
    private const string Calls = "trace=read,write,readv,writev,sendto,recvfrom,sendmsg,recvmsg,sendmmsg,recvmmsg,splice,sendfile,vmsplice,"
        + "?preadv2,?pwritev2,?mq_timedsend,?mq_timedreceive";

    // Descriptor 3 ends when this process does, however it ends. Only then, or where strace has ended, does the shell end.
    private const string Guard = "\"$@\" 3<&- & tap=$!; exec >&- 2>&-; read -r end <&3; kill \"$tap\"; wait \"$tap\"";

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private readonly AnonymousPipe _guard = AnonymousPipe.Create();
    private readonly AnonymousPipe _output = AnonymousPipe.Create();
    private readonly AnonymousPipe _messages = AnonymousPipe.Create();
    private readonly ChildProcess _shell;
    private readonly LineReader _lines;
    private readonly LineReader _errors;

    private StraceProcess(IReadOnlyList<int> processes)
    {
        (_lines, _errors) = (new LineReader(_output.Reader), new LineReader(_messages.Reader));
        try
        {
            InheritedDescriptor[] descriptors =
            [
                new(_output.Writer.Writer!, 1), new(_messages.Writer.Writer!, 2), new(_guard.Reader.Reader!, 3),
            ];
            foreach (var descriptor in descriptors) descriptor.MakeBlocking();
            string[] options = ["-f", "-yy", "-xx", "-ttt", "-s", MaxShown.ToString(CultureInfo.InvariantCulture), "-e", "signal=none",
                "-e", Calls, "-o", "/dev/fd/1"];
            _shell = ChildProcess.Start(new ChildProcessOptions
            {
                FileName = "sh",
                Arguments = ["-c", Guard, "sh", Program, .. options,
                    .. processes.SelectMany(static id => new[] { "-p", id.ToString(CultureInfo.InvariantCulture) })],
                Descriptors = descriptors,
                OwnSession = true,
            });
            _output.Writer.Dispose();
            _messages.Writer.Dispose();
            _guard.Reader.Dispose();
        }
        catch
        {
            DisposePipes();
            throw;
        }
    }

    /// <summary>Starts it, and waits until it is attached to the processes.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: strace is not installed;
    /// <see cref="IpcErrors.AccessDenied"/>: it may not attach to any of them.</exception>
    public static StraceProcess Attach(IpcAddress address, IReadOnlyList<int> processes, in WaitOptions wait)
    {
        if (!IsInstalled)
        {
            throw new IpcException(IpcErrors.PlatformNotSupported,
                $"'{address}' can't be traced: that needs the program strace, which is not installed.", address.Text,
                "Install the package strace. Or put a relay between the two sides, and trace that.")
            { Advice = IpcAdvice.UseRelay };
        }
        var strace = new StraceProcess(processes);
        try
        {
            strace.WaitUntilAttached(address, [.. processes], wait);
            return strace;
        }
        catch
        {
            strace.Dispose();
            throw;
        }
    }

    /// <summary>Whether strace(1) is in PATH.</summary>
    public static bool IsInstalled => Programs.Find(Program) is not null;

    /// <summary>The next line.</summary>
    /// <returns>Null where strace has ended: none of its processes is left.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>.</exception>
    public string? ReadLine(Func<Deadline, IpcException> timedOut, in WaitOptions wait)
    {
        Span<Libc.PollFd> polls = stackalloc Libc.PollFd[2];
        while (true)
        {
            if (_lines.TryTake(out var line)) return line;
            if (_lines.HasEnded) return null;
            // It reports each process that a traced one starts. That is not needed, but a full pipe would stop strace.
            while (_errors.TryTake(out _)) { }
            polls[0] = new Libc.PollFd { Descriptor = _lines.Descriptor, Requested = PollEvents.In };
            polls[1] = new Libc.PollFd { Descriptor = _errors.Descriptor, Requested = PollEvents.In };
            if (Waiter.PollAny(polls, wait) == 0) throw timedOut(wait.Deadline);
            _lines.Read();
            _errors.Read();
        }
    }

    /// <summary>Detaches from the traced processes. They run on.</summary>
    public void Dispose()
    {
        _guard.Writer.Dispose();
        // Reading on, so that strace does not stand still before a full pipe.
        var limit = Deadline.After(EndLimit);
        try
        {
            while (ReadLine(static d => IpcException.TimedOut("strace", null, d, IpcErrors.Timeout), limit) is not null) { }
            _shell.WaitForEnd(limit);
        }
        catch (IpcException)
        {
            // It hangs: the kernel detaches where it is killed.
        }
        _shell.EndGroup(ask: false, limit);
        _shell.Dispose();
        DisposePipes();
    }

    private void WaitUntilAttached(IpcAddress address, HashSet<int> missing, in WaitOptions wait)
    {
        var refusals = new List<string>();
        var count = missing.Count;
        while (missing.Count > 0)
        {
            while (_errors.TryTake(out var message))
            {
                // strace: Process 12 attached with 3 threads; strace: attach: ptrace(PTRACE_SEIZE, 12): Operation not permitted
                var isAttached = message.Contains(" attached", StringComparison.Ordinal);
                var id = isAttached ? NumberAfter(message, "Process ") : NumberAfter(message, "PTRACE_SEIZE, ");
                if (id is { } known && missing.Remove(known) && !isAttached) refusals.Add(message);
                else if (id is null) refusals.Add(message);
            }
            if (missing.Count == 0 || _errors.HasEnded) break;
            if (!Waiter.Poll(_messages.Reader.Reader!, PollEvents.In, wait))
                throw IpcException.TimedOut($"strace to attach to the processes that hold '{address}'", address.Text, wait.Deadline,
                    IpcErrors.Timeout);
            _errors.Read();
        }
        if (refusals.Count + missing.Count < count) return;
        throw new IpcException(IpcErrors.AccessDenied,
            $"'{address}' can't be traced: strace could not attach to a process that has it open. {string.Join(" ", refusals)}".TrimEnd(),
            address.Text, "Run it as root. For processes of your own, the sysctl kernel.yama.ptrace_scope must be 0. "
            + "Or put a relay between the two sides, and trace that.")
        { Call = "ptrace(PTRACE_SEIZE)", Advice = IpcAdvice.UseRelay };
    }

    private static int? NumberAfter(string message, string words)
    {
        var at = message.IndexOf(words, StringComparison.Ordinal);
        if (at < 0) return null;
        var digits = message.AsSpan(at + words.Length);
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        if (end >= 0) digits = digits[..end];
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private void DisposePipes()
    {
        _guard.Dispose();
        _output.Dispose();
        _messages.Dispose();
    }

    /// <summary>Splits what a pipe brings into lines. All of it is ASCII.</summary>
    private sealed class LineReader(PipeChannel pipe)
    {
        private readonly Queue<string> _lines = new();
        private readonly StringBuilder _rest = new();
        private readonly byte[] _buffer = new byte[64 * 1024];

        public bool HasEnded { get; private set; }

        public int Descriptor => HasEnded ? -1 : pipe.Reader!.Number;

        public bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? line) => _lines.TryDequeue(out line);

        /// <summary>Reads what there is, without waiting.</summary>
        public void Read()
        {
            if (HasEnded) return;
            var read = pipe.TryRead(_buffer);
            HasEnded = read == 0;
            for (var rest = _buffer.AsSpan(0, Math.Max(read, 0)); !rest.IsEmpty;)
            {
                var end = rest.IndexOf((byte)'\n');
                _rest.Append(Encoding.ASCII.GetString(rest[..(end < 0 ? rest.Length : end)]));
                if (end < 0) return;
                _lines.Enqueue(_rest.ToString());
                _rest.Clear();
                rest = rest[(end + 1)..];
            }
        }
    }
}
