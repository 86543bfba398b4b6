using System.Diagnostics;
using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <summary>Carries one kind of signal from the kernel to its collectors, which share a queue, and to its subscribers, which each get every
/// signal.</summary>
/// <remarks>
/// <para>The handler of a standard signal writes what the kernel reports into a pipe.</para>
/// <para>A real-time signal is blocked in all threads and read from a signalfd. So it stays queued in the kernel, in order, until it is
/// read, and sending fails when there are too many. It has a handler too, for signals that arrive before the last thread blocks it, and on
/// a thread that a library unblocks.</para>
/// <para>The signalfd of a standard signal is read only if every thread blocks the signal because the process was started that way.
/// Otherwise the signalfd could take a signal that a thread is about to handle. The earlier handler would miss it, and that may be the
/// handler by which .NET learns that a child has ended.</para>
/// <para>Any thread that reads serves all: the records go to the subscribers and, if there are collectors, into the queue.</para>
/// <para>Pipes and signalfds are never closed. A handler on another thread may have read the number of the descriptor and not yet written
/// to it. After a close, the bytes could go to another file that got the number.</para>
/// <para>Calls: sigaction(2), pipe2(2), signalfd(2), read(2), kill(2).</para>
/// </remarks>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Lives as long as the process, by design.")]
internal sealed unsafe partial class SignalStream
{
    /// <summary>How long a signal that would end the process must not have arrived before the kernel's default action is
    /// restored.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private const int RecordSize = 128;
    private const int Batch = 64;
    private const int WantedPipeCapacity = 1 << 20;

    // A subscription reads signals even if no collector waits for them. Beyond a million the oldest are dropped and counted.
    private const int QueueLimit = 1_000_000;

    private static readonly SignalStream?[] Streams = new SignalStream?[65];

    private readonly object _lock = new();
    private readonly Signal _signal;
    private readonly Queue<SignalRecord> _queue = new();
    private readonly byte[] _buffer = new byte[Batch * RecordSize];
    private readonly HandlerPage? _page = HandlerPage.Current;
    private readonly SafeDescriptor? _pipeReader;
    private readonly SafeDescriptor? _pipeWriter;
    private readonly SafeDescriptor? _signals;
    private readonly EventDescriptor _ready;
    private readonly List<Action<ReceivedSignal>> _subscribers = [];

    private int _collectors;
    private int _waiters;
    private bool _isReadySet;
    private long _recordsRead;
    private long _lostReported;
    private long _dropped;
    private long _lastArrival;
    private Libc.SigAction _previous;
    private bool _isInstalled;
    private bool _readsSignals;
    private PosixSignalRegistration? _fallback;
    private Timer? _restoring;
    private long _passedBefore;

    private SignalStream(Signal signal)
    {
        _signal = signal;
        _ready = new EventDescriptor(signal.Name);
        if (_page is null) return;
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.O_CLOEXEC | Libc.O_NONBLOCK) != 0)
            throw IpcException.FromErrno("pipe2", Marshal.GetLastPInvokeError(), signal.Name);
        _pipeReader = new SafeDescriptor(ends[0]);
        _pipeWriter = new SafeDescriptor(ends[1]);
        // If the user's share of pipe memory is used up, it stays 64 KiB, which is 512 signals.
        _ = Libc.fcntl(_pipeWriter, Libc.F_SETPIPE_SZ, WantedPipeCapacity);
        var mask = stackalloc ulong[16];
        new Span<ulong>(mask, 16).Clear();
        mask[0] = signal.Mask;
        var fd = Libc.signalfd(-1, mask, Libc.SFD_NONBLOCK | Libc.SFD_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("signalfd", Marshal.GetLastPInvokeError(), signal.Name);
        _signals = new SafeDescriptor(fd);
    }

    /// <summary>The process's one stream of a signal that can be received.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>.</exception>
    public static SignalStream For(Signal signal)
    {
        SignalTable.RequireReceivable(signal);
        lock (Streams) return Streams[signal.Number] ??= new SignalStream(signal);
    }

    /// <summary>The stream, if one was ever needed.</summary>
    public static SignalStream? Find(int number) => (uint)number < (uint)Streams.Length ? Volatile.Read(ref Streams[number]) : null;

    public Signal Signal => _signal;

    /// <summary>Whether there is a collector or a subscriber.</summary>
    public bool IsInUse => Volatile.Read(ref _collectors) > 0 || _subscribers.Count > 0;

    /// <summary>How many signals were lost since the process started.</summary>
    public long Lost => Volatile.Read(ref _dropped) + (_page is null ? 0 : Volatile.Read(ref _page[_signal.Number]->Lost));

    /// <summary>Whether signals are received through .NET, without value and sender.</summary>
    public static bool IsFallback => HandlerPage.Current is null;

    /// <summary>Whether to spin before blocking. Not synchronized: a torn update costs a microsecond.</summary>
    public AdaptiveWait Spin;

    /// <summary>Adds a collector.</summary>
    public void AddCollector()
    {
        lock (_lock)
        {
            if (!IsInUse) Begin();
            _collectors++;
        }
    }

    /// <summary>Removes a collector. With the last one, the queue is discarded.</summary>
    public void RemoveCollector()
    {
        lock (_lock)
        {
            if (--_collectors > 0) return;
            _queue.Clear();
            // A thread that waits learns that no signal will arrive.
            SetReady(_waiters > 0);
            if (!IsInUse) End();
        }
    }

    /// <summary>Adds a subscriber. It is called on the thread that read the signal, inside the lock, so it must return quickly and must not
    /// throw.</summary>
    public void Subscribe(Action<ReceivedSignal> subscriber)
    {
        lock (_lock)
        {
            if (!IsInUse) Begin();
            _subscribers.Add(subscriber);
        }
        if (_page is not null) SignalPump.Add(this);
    }

    /// <summary>Removes a subscriber, which is not called after this has returned.</summary>
    public void Unsubscribe(Action<ReceivedSignal> subscriber)
    {
        lock (_lock)
        {
            if (!_subscribers.Remove(subscriber) || _subscribers.Count > 0) return;
            SignalPump.Remove(this);
            if (!IsInUse) End();
        }
    }

    /// <summary>A thread begins to wait.</summary>
    public void EnterWait()
    {
        lock (_lock) _waiters++;
    }

    /// <summary>The thread no longer waits.</summary>
    public void LeaveWait()
    {
        lock (_lock) _waiters--;
    }

    /// <summary>Whether there is a signal for a collector.</summary>
    /// <inheritdoc cref="TryTake" path="/exception"/>
    public bool HasArrived()
    {
        lock (_lock)
        {
            RequireCollector();
            if (_queue.Count == 0) Fetch();
            // For other threads that wait: what was fetched is no longer in the kernel.
            SetReady(_queue.Count > 0 && _waiters > 1);
            return _queue.Count > 0;
        }
    }

    /// <summary>Takes the oldest signal, if there is one. For collectors.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>: collecting was ended during the wait.</exception>
    public bool TryTake(out SignalRecord record)
    {
        lock (_lock)
        {
            RequireCollector();
            if (_queue.Count == 0) Fetch();
            var found = _queue.TryDequeue(out record);
            // The rest of a batch is for other threads that wait. It is no longer in the kernel, so no descriptor of the kernel wakes them.
            SetReady(_queue.Count > 0 && _waiters > 1);
            return found;
        }
    }

    /// <summary>Reads all signals for the subscribers. For the pump.</summary>
    public void Pump()
    {
        lock (_lock)
        {
            while (_subscribers.Count > 0 && Fetch())
            {
            }
            if (_queue.Count > 0 && _waiters > 0) SetReady(true);
        }
    }

    /// <summary>Adds the descriptors that are readable when there is a signal: those of the kernel and, for a collector, that of the
    /// queue.</summary>
    public void AddPolls(List<Libc.PollFd> polls, bool withQueue)
    {
        if (_readsSignals) polls.Add(new Libc.PollFd { Descriptor = _signals!.Number, Requested = PollEvents.In });
        if (_pipeReader is not null) polls.Add(new Libc.PollFd { Descriptor = _pipeReader.Number, Requested = PollEvents.In });
        if (withQueue) polls.Add(new Libc.PollFd { Descriptor = _ready.Descriptor, Requested = PollEvents.In });
    }

    private void RequireCollector()
    {
        if (_collectors == 0)
            throw new IpcException(IpcErrors.Closed, $"Collecting signal {_signal} was ended during the wait for it.", _signal.Name);
    }

    /// <summary>Reads a batch of signals from the kernel and distributes them. The caller holds the lock.</summary>
    private bool Fetch()
    {
        if (_page is null) return false;
        var found = false;
        // The pipe first: its real-time signals arrived before the last thread blocked the signal. The counter saves the call in the usual
        // case.
        if (Volatile.Read(ref _page[_signal.Number]->Recorded) != _recordsRead || !_signal.IsRealTime)
        {
            var count = ReadRecords(_pipeReader!);
            _recordsRead += count;
            found = count > 0;
            var infos = MemoryMarshal.Cast<byte, Libc.SigInfo>(_buffer)[..count];
            var time = DateTime.UtcNow.Ticks;
            foreach (ref readonly var info in infos) Distribute(SignalRecord.From(info, time, TakeLost()));
        }
        if (!found && _readsSignals)
        {
            var count = ReadRecords(_signals!);
            found = count > 0;
            var infos = MemoryMarshal.Cast<byte, Libc.SignalFdInfo>(_buffer)[..count];
            var time = DateTime.UtcNow.Ticks;
            foreach (ref readonly var info in infos) Distribute(SignalRecord.From(info, time, TakeLost()));
        }
        if (found) _lastArrival = Stopwatch.GetTimestamp();
        return found;
    }

    private int ReadRecords(SafeDescriptor from)
    {
        fixed (byte* into = _buffer)
        {
            while (true)
            {
                var read = Libc.read(from, into, (nuint)_buffer.Length);
                if (read >= 0) return (int)read / RecordSize;
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errno.EAGAIN) return 0;
                if (errno != Errno.EINTR) throw IpcException.FromErrno("read", errno, _signal.Name);
            }
        }
    }

    private long TakeLost()
    {
        var lost = Lost;
        var news = lost - _lostReported;
        _lostReported = lost;
        return news;
    }

    private void Distribute(in SignalRecord record)
    {
        if (_subscribers.Count > 0)
        {
            var received = new ReceivedSignal(record);
            foreach (var subscriber in _subscribers) subscriber(received);
        }
        if (_collectors == 0) return;
        if (_queue.Count >= QueueLimit)
        {
            _queue.Dequeue();
            _dropped++;
        }
        _queue.Enqueue(record);
    }

    private void OnFallback(PosixSignalContext context)
    {
        lock (_lock)
        {
            if (!IsInUse) return;
            context.Cancel = !SignalTable.IsObserved(_signal.Number);
            Distribute(new SignalRecord(_signal.Number, SignalOrigin.Unknown, 0, 0, 0, 0, DateTime.UtcNow.Ticks, 0));
            if (_queue.Count > 0 && _waiters > 0) SetReady(true);
        }
    }

    private void SetReady(bool set)
    {
        if (set == _isReadySet) return;
        if (set) _ready.Set();
        else _ready.Reset();
        _isReadySet = set;
    }
}

/// <summary>A received signal in a queue, without objects.</summary>
internal readonly record struct SignalRecord(
    int Number, SignalOrigin Origin, int ProcessId, uint UserId, ulong Value, int Status, long Time, long Lost)
{
    public static SignalRecord From(in Libc.SigInfo info, long time, long lost)
    {
        var origin = SignalCodes.ToOrigin(info.Signal, info.Code);
        return new SignalRecord(info.Signal, origin, info.ProcessId, info.UserId, info.Value, info.Status, time, lost);
    }

    public static SignalRecord From(in Libc.SignalFdInfo info, long time, long lost)
    {
        var origin = SignalCodes.ToOrigin((int)info.Signal, info.Code);
        return new SignalRecord((int)info.Signal, origin, info.ProcessId, info.UserId, info.Value, info.Status, time, lost);
    }
}
