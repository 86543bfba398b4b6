using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>Collects signals of this process, from <see cref="Add"/> until <see cref="Remove"/>, so that none is missed between two waits.</summary>
/// <remarks>
/// <para>Real-time signals are queued by the kernel, in the order of each sender, and none is lost: when RLIMIT_SIGPENDING of them wait, the sender is refused (EAGAIN).
/// Of a standard signal the kernel keeps one at a time: several that come while the first is not yet handled are one. Those that were
/// handled wait in a buffer of 8,192 (512 where the user's pipe memory is used up); what comes when it is full is counted
/// (<see cref="ReceivedSignal.Lost"/>).</para>
/// <para>Two collectors of one signal in a process share: each signal goes to one of them.</para>
/// <para>While a real-time signal is collected it is blocked in all threads of the process, and in the children that it starts,
/// unless they are started with a mask of their own. A collected CHLD, CONT or WINCH also reaches the handler that the process had before; any other does only what
/// its collector makes of it: Ctrl+C, which is INT, then interrupts nothing.</para>
/// <para>Calls: sigaction(2), signalfd(2), tgkill(2), ppoll(2), read(2).</para>
/// </remarks>
public sealed class SignalCollector : IDisposable
{
    private readonly object _lock = new();
    private readonly SortedDictionary<int, SignalStream> _streams = [];
    private bool _isDisposed;

    /// <summary>Creates a collector.</summary>
    /// <param name="signals">What to collect from now on.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>: one of them can't be received.</exception>
    public SignalCollector(params IEnumerable<Signal> signals) => Add(signals);

    /// <summary>Whether senders and values are unknown in this process, since the system refuses the page of machine code that handlers need.</summary>
    public static bool IsLimited => SignalStream.IsFallback;

    /// <summary>What is collected.</summary>
    public IReadOnlyList<Signal> Signals
    {
        get
        {
            lock (_lock) return [.. _streams.Keys.Select(static n => new Signal(n))];
        }
    }

    /// <summary>Collects more signals from now on; those that are collected already stay so.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>; then none of them is added.</exception>
    public void Add(params IEnumerable<Signal> signals)
    {
        ArgumentNullException.ThrowIfNull(signals);
        var streams = signals.Select(SignalStreams.For).ToList();
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            foreach (var stream in streams)
            {
                if (_streams.ContainsKey(stream.Signal.Number)) continue;
                stream.AddCollector();
                _streams.Add(stream.Signal.Number, stream);
            }
        }
    }

    /// <summary>Ends collecting. What has come and was not taken is gone, unless another collector of this process wants it.</summary>
    /// <returns>Whether it was collected.</returns>
    public bool Remove(Signal signal)
    {
        lock (_lock)
        {
            if (!_streams.Remove(signal.Number, out var stream)) return false;
            stream.RemoveCollector();
            return true;
        }
    }

    /// <summary>Waits for the next signal.</summary>
    /// <param name="signals">Which of the collected ones; null for all. Where several have come, the lowest number goes first, as the kernel has it.</param>
    /// <param name="wait">Until when, and what cancels the wait.</param>
    /// <returns>The signal; null when the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: one of them is not collected; <see cref="IpcErrors.Closed"/>: its collecting was
    /// ended meanwhile.</exception>
    public ReceivedSignal? Wait(IEnumerable<Signal>? signals = null, in WaitOptions wait = default)
    {
        using var waiting = BeginWait(signals);
        return waiting.Next(wait);
    }

    /// <summary>Begins a wait for several signals, one after the other: cheaper than as many calls of <see cref="Wait"/>.</summary>
    public SignalWait BeginWait(IEnumerable<Signal>? signals = null)
    {
        lock (_lock)
        {
            var streams = (signals is null ? _streams.Values : signals.Distinct().Order().Select(Collected)).ToArray();
            if (streams.Length == 0) throw new IpcException(IpcErrors.InvalidOperation, "No signal is collected, so there is nothing to wait for.");
            return new SignalWait(streams);
        }
    }

    /// <summary>Ends all collecting.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var stream in _streams.Values) stream.RemoveCollector();
            _streams.Clear();
        }
    }

    private SignalStream Collected(Signal signal) =>
        _streams.TryGetValue(signal.Number, out var stream) ? stream
        : throw new IpcException(IpcErrors.InvalidOperation, $"{signal} is not collected.", signal.Name);
}
