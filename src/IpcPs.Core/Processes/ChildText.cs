using System.Buffers;
using System.Text;
using IpcPs.Pipes;

namespace IpcPs.Processes;

/// <summary>Reads what a child writes to its standard output and error, line by line, until the child ends. Processes that it started may
/// hold the pipes open longer; they are not waited for. Neither is the child: its process id stays its own.</summary>
/// <remarks>One thread polls both pipes and the child's pidfd. Calls: ppoll(2), read(2).</remarks>
public static class ChildText
{
    /// <summary>A longer line is reported in parts.</summary>
    private const int MaxLine = 64 * 1024;

    /// <summary>Reads until the child has ended, then the rest of the pipes. If it ends early, it reports what it has read, and another
    /// call can go on.</summary>
    /// <param name="child">The child.</param>
    /// <param name="output">The read end of its standard output.</param>
    /// <param name="error">The read end of its standard error.</param>
    /// <param name="onOutput">Called with each line of standard output.</param>
    /// <param name="onError">Called with each line of standard error.</param>
    /// <param name="wait">What ends it early.</param>
    /// <returns>Whether the child has ended.</returns>
    public static bool ReadUntilExit(ChildProcess child, PipeChannel output, PipeChannel error, Action<string> onOutput,
        Action<string> onError, WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(child);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(error);
        Source[] sources = [new(output, onOutput), new(error, onError)];
        Span<Libc.PollFd> polls = stackalloc Libc.PollFd[3];
        while (true)
        {
            for (var i = 0; i < sources.Length; i++)
                polls[i] = new Libc.PollFd { Descriptor = sources[i].Descriptor, Requested = PollEvents.In };
            polls[2] = new Libc.PollFd { Descriptor = child.PidDescriptor, Requested = PollEvents.In };
            // Without a pidfd (an old kernel) this waits for the end of both pipes.
            if (polls[2].Descriptor < 0 && sources.All(static s => s.HasEnded)) break;
            if (!WaitForAny(polls, wait))
            {
                foreach (var source in sources) source.Drain();
                return false;
            }
            for (var i = 0; i < sources.Length; i++)
            {
                if (polls[i].Returned != PollEvents.None) sources[i].Read();
            }
            if (polls[2].Returned != PollEvents.None) break;
        }
        child.WaitForEnd();
        foreach (var source in sources) source.Drain();
        return true;
    }

    private static bool WaitForAny(Span<Libc.PollFd> polls, in WaitOptions wait)
    {
        try
        {
            return Waiter.PollAny(polls, wait) > 0;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private sealed class Source(PipeChannel pipe, Action<string> onLine)
    {
        private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
        private readonly StringBuilder _line = new();

        public bool HasEnded { get; private set; }

        /// <summary>The descriptor to poll; -1, which poll(2) ignores, at the end.</summary>
        public int Descriptor => HasEnded ? -1 : pipe.Reader!.Number;

        /// <summary>Reads once.</summary>
        /// <returns>False where there was nothing to read.</returns>
        public bool Read()
        {
            if (HasEnded) return false;
            var bytes = ArrayPool<byte>.Shared.Rent(16 * 1024);
            try
            {
                var read = pipe.TryRead(bytes);
                HasEnded = read == 0;
                if (read <= 0) return false;
                Add(bytes.AsSpan(0, read));
                return true;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }

        /// <summary>Reads what there is now, and reports a last line without a line end.</summary>
        public void Drain()
        {
            while (Read())
            {
            }
            if (_line.Length > 0) Report();
        }

        private void Add(ReadOnlySpan<byte> bytes)
        {
            var chars = ArrayPool<char>.Shared.Rent(bytes.Length + 1);
            try
            {
                var rest = chars.AsSpan(0, _decoder.GetChars(bytes, chars, flush: false));
                while (rest.Length > 0)
                {
                    var end = rest.IndexOf('\n');
                    var part = rest[..(end < 0 ? rest.Length : end)];
                    _line.Append(part.TrimEnd('\r'));
                    if (end >= 0 || _line.Length >= MaxLine) Report();
                    rest = rest[(end < 0 ? rest.Length : end + 1)..];
                }
            }
            finally
            {
                ArrayPool<char>.Shared.Return(chars);
            }
        }

        private void Report()
        {
            onLine(_line.ToString());
            _line.Clear();
        }
    }
}
