using System.Diagnostics;
using IpcPs.Readiness;
using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>Collects signals of this process from <see cref="Add"/> until <see cref="Remove"/>, so that no signal is missed between two
/// waits.</summary>
/// <remarks>
/// <para>The kernel queues real-time signals in the order of each sender, and loses none. When RLIMIT_SIGPENDING signals are queued,
/// sending fails (EAGAIN). Of a standard signal the kernel keeps one at a time: several that arrive before the first is handled are one.
/// Handled signals wait in a buffer of 8,192 (512 if the user's pipe memory is used up). When it is full, the signals that are lost are
/// counted (<see cref="ReceivedSignal.Lost"/>).</para>
/// <para>Two collectors of one signal in a process share it: each signal goes to one of them.</para>
/// <para>A real-time signal is blocked in all threads of the process while it is collected. Children that the process starts then inherit
/// that, unless they are started with their own mask. CHLD, CONT and WINCH also reach the earlier handler of the process. Any other signal
/// has no effect but to be collected: Ctrl+C, which is INT, then interrupts nothing.</para>
/// <para>Calls: sigaction(2), signalfd(2), tgkill(2), ppoll(2), read(2).</para>
/// </remarks>
public sealed class SignalCollector : IDisposable
{
    private readonly object _lock = new();
    private readonly SortedDictionary<int, SignalStream> _streams = [];
    private bool _isDisposed;

    /// <summary>Creates a collector, and collects from now on.</summary>
    /// <param name="signals">The signals to collect.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>: one of them cannot be received.</exception>
    public SignalCollector(params IEnumerable<Signal> signals) => Add(signals);

    /// <summary>Whether signals are received through .NET, without sender and value: on another processor than x64, and where the system
    /// refuses the executable page that the handlers need.</summary>
    public static bool IsLimited => SignalStream.IsFallback;

    /// <summary>The signals that are collected.</summary>
    public IReadOnlyList<Signal> Signals
    {
        get { lock (_lock) return [.. _streams.Keys.Select(static n => new Signal(n))]; }
    }

    /// <summary>Collects more signals from now on.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>; none of them is added.</exception>
    public void Add(params IEnumerable<Signal> signals)
    {
        ArgumentNullException.ThrowIfNull(signals);
        var streams = signals.Select(SignalStream.For).ToList();
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

    /// <summary>Ends the collecting of a signal. Signals that nothing has waited for are discarded, unless there is another collector of
    /// them.</summary>
    /// <returns>Whether the signal was collected.</returns>
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
    /// <param name="signals">Which of the collected signals; null for all. If several have arrived, the lowest number is first, as in the
    /// kernel.</param>
    /// <param name="wait">How long to wait, and what cancels the wait.</param>
    /// <returns>The signal; null if the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: one of them is not collected;
    /// <see cref="IpcErrors.Closed"/>: collecting was ended during the wait.</exception>
    public ReceivedSignal? Wait(IEnumerable<Signal>? signals = null, in WaitOptions wait = default)
    {
        using var waiting = BeginWait(signals);
        return waiting.Next(wait);
    }

    /// <summary>Begins a wait for several signals in turn, which costs less than as many calls of <see cref="Wait"/>.</summary>
    public SignalWait BeginWait(IEnumerable<Signal>? signals = null)
    {
        lock (_lock)
        {
            var streams = (signals is null ? _streams.Values : signals.Distinct().Order().Select(Collected)).ToArray();
            if (streams.Length == 0)
                throw new IpcException(IpcErrors.InvalidOperation, "No signal is collected, so there is nothing to wait for.");
            return new SignalWait(streams);
        }
    }

    /// <summary>Begins to watch whether a signal has arrived, which stays for the next <see cref="Wait"/>.</summary>
    /// <param name="signals">Which of the collected signals.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: one of them is not collected.</exception>
    public ReadinessWatch CreateWatch(IEnumerable<Signal> signals)
    {
        lock (_lock) return new SignalWatch([.. signals.Distinct().Order().Select(Collected)]);
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
        : throw new IpcException(IpcErrors.InvalidOperation, $"Signal {signal} is not collected.", signal.Name);
}

/// <summary>Watches whether a signal has arrived.</summary>
internal sealed class SignalWatch : ReadinessWatch
{
    private readonly SignalStream[] _streams;

    public SignalWatch(SignalStream[] streams)
    {
        _streams = streams;
        foreach (var stream in streams) stream.EnterWait();
    }

    public override ReadyState Check()
    {
        try
        {
            return Array.Exists(_streams, static s => s.HasArrived()) ? ReadyState.Signal : ReadyState.None;
        }
        catch (IpcException)
        {
            return ReadyState.Failed;
        }
    }

    internal override void AddTo(PollSet polls)
    {
        var descriptors = new List<Libc.PollFd>();
        foreach (var stream in _streams) stream.AddPolls(descriptors, withQueue: true);
        polls.Add(descriptors);
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var stream in _streams) stream.LeaveWait();
        base.Dispose(disposing);
    }
}

/// <summary>A wait for several collected signals in turn.</summary>
public sealed class SignalWait : IDisposable
{
    private readonly SignalStream[] _streams;
    private readonly Libc.PollFd[] _polls;
    private bool _isOver;

    internal SignalWait(SignalStream[] streams)
    {
        _streams = streams;
        var polls = new List<Libc.PollFd>();
        foreach (var stream in streams)
        {
            stream.EnterWait();
            stream.AddPolls(polls, withQueue: true);
        }
        _polls = [.. polls];
    }

    /// <summary>Waits for the next signal.</summary>
    /// <returns>The signal; null if the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>: collecting was ended during the wait.</exception>
    public ReceivedSignal? Next(in WaitOptions wait)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        var take = new Take(_streams);
        ref var spin = ref _streams[0].Spin;
        if (take.TryOnce()) return new ReceivedSignal(take.Record);
        while (true)
        {
            Waiter.ThrowIfOver(wait.Cancellation, default);
            if (wait.Deadline.IsImmediate) return null;
            if (Waiter.Spin(ref take, ref spin)) return new ReceivedSignal(take.Record);
            var blockedAt = Stopwatch.GetTimestamp();
            var ready = Waiter.PollAny(_polls, wait);
            spin.Blocked(Stopwatch.GetTimestamp() - blockedAt);
            if (take.TryOnce()) return new ReceivedSignal(take.Record);
            if (ready == 0) return null;
        }
    }

    /// <summary>Ends the wait. The signals are still collected.</summary>
    public void Dispose()
    {
        if (_isOver) return;
        _isOver = true;
        foreach (var stream in _streams) stream.LeaveWait();
    }

    private struct Take(SignalStream[] streams) : IAttempt
    {
        public SignalRecord Record;

        public bool TryOnce()
        {
            foreach (var stream in streams)
            {
                if (stream.TryTake(out Record)) return true;
            }
            return false;
        }
    }
}
