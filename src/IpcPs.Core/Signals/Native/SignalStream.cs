using System.Diagnostics;
using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <summary>One signal of this process, on its way from the kernel to those who want it: collectors take from a queue, each subscriber is told of every one.</summary>
/// <remarks>
/// <para>A standard signal's handler writes what the kernel says into a pipe. A real-time signal is blocked in all threads and read from a signalfd,
/// so that it stays queued in the kernel, in order, until someone takes it, and its sender is refused when there are too many; its handler is there all the same, for
/// what comes before the last thread blocks it, and from a thread that some library unblocks. A standard signal's signalfd is read only where every thread blocks
/// the signal, since the process was started so: a signalfd takes also what a thread is about to handle, and the handler that the process had before, which
/// may be the one by which .NET learns that a child has ended, would miss it.</para>
/// <para>Whoever reads serves everyone: the records go to the subscribers and, where there are collectors, into the queue.</para>
/// <para>Pipes and signalfd stay open once made. A handler on another thread may have read the descriptor's number and not yet written; were it closed then, the
/// bytes could go to whatever got the number next.</para>
/// <para>Calls: sigaction(2), pipe2(2), signalfd(2), read(2), kill(2).</para>
/// </remarks>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Lives as long as the process, by design.")]
internal sealed unsafe partial class SignalStream
{
    /// <summary>How long a signal that would end the process must have been quiet before it is handed back to the kernel's default.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private const int RecordSize = 128;
    private const int Batch = 64;
    private const int WantedPipeCapacity = 1 << 20;

    // Beyond a million unclaimed ones beside a subscription (which reads them whether or not a collector takes them) the oldest are dropped, and counted.
    private const int QueueLimit = 1_000_000;

    private readonly object _lock = new();
    private readonly Signal _signal;
    private readonly Queue<SignalRecord> _queue = new();
    private readonly byte[] _buffer = new byte[Batch * RecordSize];
    private readonly HandlerPage? _page = HandlerPage.Current;
    private readonly SafeDescriptor? _pipeReader;
    private readonly SafeDescriptor? _pipeWriter;
    private readonly SafeDescriptor? _signals;
    private readonly SafeDescriptor _ready;
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
    private Timer? _linger;
    private long _passedAtLinger;

    public SignalStream(Signal signal)
    {
        _signal = signal;
        _ready = Made("eventfd", Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC));
        if (_page is null) return;
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.O_CLOEXEC | Libc.O_NONBLOCK) != 0) throw IpcException.FromErrno("pipe2", Marshal.GetLastPInvokeError(), signal.Name);
        _pipeReader = new SafeDescriptor(ends[0]);
        _pipeWriter = new SafeDescriptor(ends[1]);
        // Where the user's share of pipe memory is used up it stays 64 KiB: 512 signals.
        _ = Libc.fcntl(_pipeWriter, Libc.F_SETPIPE_SZ, WantedPipeCapacity);
        var mask = stackalloc ulong[16];
        new Span<ulong>(mask, 16).Clear();
        mask[0] = signal.Mask;
        _signals = Made("signalfd", Libc.signalfd(-1, mask, Libc.SFD_NONBLOCK | Libc.SFD_CLOEXEC));
    }

    public Signal Signal => _signal;

    /// <summary>Whether anybody wants it.</summary>
    public bool IsInUse => Volatile.Read(ref _collectors) > 0 || _subscribers.Count > 0;

    /// <summary>How many were lost since the process started.</summary>
    public long Lost => Volatile.Read(ref _dropped) + (_page is null ? 0 : Volatile.Read(ref _page[_signal.Number]->Lost));

    /// <summary>Whether value and sender are unknown, as only .NET's own way is open.</summary>
    public static bool IsFallback => HandlerPage.Current is null;

    /// <summary>Spinning before blocking; a torn update costs a microsecond.</summary>
    public AdaptiveWait Spin;

    /// <summary>One more takes from the queue.</summary>
    public void AddCollector()
    {
        lock (_lock)
        {
            if (!IsInUse) Begin();
            _collectors++;
        }
    }

    /// <summary>One less. What the last one leaves in the queue is gone.</summary>
    public void RemoveCollector()
    {
        lock (_lock)
        {
            if (--_collectors > 0) return;
            _queue.Clear();
            // Whoever waits finds out that nothing will come.
            SetReady(_waiters > 0);
            if (!IsInUse) End();
        }
    }

    /// <summary>One more is told of each signal. It is called on the thread that read the signal, under the stream's lock: it must be quick and must not throw.</summary>
    public void Subscribe(Action<ReceivedSignal> subscriber)
    {
        lock (_lock)
        {
            if (!IsInUse) Begin();
            _subscribers.Add(subscriber);
        }
        if (_page is not null) SignalPump.Add(this);
    }

    /// <summary>No more of it, from the moment that this returns.</summary>
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

    /// <summary>Takes the oldest one, if there is one. For collectors.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>: collecting was ended meanwhile.</exception>
    public bool TryTake(out SignalRecord record)
    {
        lock (_lock)
        {
            if (_collectors == 0)
                throw new IpcException(IpcErrors.Closed, $"{_signal} is no longer collected: its collecting was ended while it was waited for.", _signal.Name);
            if (_queue.Count == 0) Fetch();
            var found = _queue.TryDequeue(out record);
            // The rest of a batch is for whoever else waits, and no descriptor of the kernel's says that it is there.
            SetReady(_queue.Count > 0 && _waiters > 1);
            return found;
        }
    }

    /// <summary>Serves the subscribers, for the pump.</summary>
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

    /// <summary>The descriptors that say that there is something to read: the kernel's, and for a collector the queue's.</summary>
    public void AddPolls(List<Libc.PollFd> polls, bool withQueue)
    {
        if (_readsSignals) polls.Add(new Libc.PollFd { Descriptor = _signals!.Number, Requested = PollEvents.In });
        if (_pipeReader is not null) polls.Add(new Libc.PollFd { Descriptor = _pipeReader.Number, Requested = PollEvents.In });
        if (withQueue) polls.Add(new Libc.PollFd { Descriptor = _ready.Number, Requested = PollEvents.In });
    }

    /// <summary>Reads what the kernel has, up to a batch, and hands it out. Under the lock.</summary>
    private bool Fetch()
    {
        if (_page is null) return false;
        var found = false;
        // The pipe first: of a real-time signal, what is in it came before the last thread blocked the signal. Its counter saves the call in the usual case.
        if (Volatile.Read(ref _page[_signal.Number]->Recorded) != _recordsRead || !_signal.IsRealTime)
        {
            var count = ReadRecords(_pipeReader!);
            _recordsRead += count;
            found = count > 0;
            var infos = MemoryMarshal.Cast<byte, Libc.SigInfo>(_buffer)[..count];
            var time = DateTime.UtcNow.Ticks;
            foreach (ref readonly var info in infos) HandOut(SignalRecord.From(info, time, TakeLost()));
        }
        if (!found && _readsSignals)
        {
            var count = ReadRecords(_signals!);
            found = count > 0;
            var infos = MemoryMarshal.Cast<byte, Libc.SignalFdInfo>(_buffer)[..count];
            var time = DateTime.UtcNow.Ticks;
            foreach (ref readonly var info in infos) HandOut(SignalRecord.From(info, time, TakeLost()));
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

    private void HandOut(in SignalRecord record)
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
            HandOut(new SignalRecord(_signal.Number, SignalOrigin.Unknown, 0, 0, 0, 0, DateTime.UtcNow.Ticks, 0));
            if (_queue.Count > 0 && _waiters > 0) SetReady(true);
        }
    }

    private void SetReady(bool set)
    {
        if (set == _isReadySet) return;
        ulong count = 1;
        _ = set ? Libc.write(_ready, (byte*)&count, 8) : Libc.read(_ready, (byte*)&count, 8);
        _isReadySet = set;
    }

    private SafeDescriptor Made(string call, int fd) =>
        fd >= 0 ? new SafeDescriptor(fd) : throw IpcException.FromErrno(call, Marshal.GetLastPInvokeError(), _signal.Name);
}
