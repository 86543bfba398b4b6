using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using IpcPs.Files;

namespace IpcPs.Rings.Algorithm;

/// <summary>One process's use of a ring: the file, the mapping and the token, and how its threads sleep.</summary>
internal sealed unsafe class RingParticipant : IFileWatch, IDisposable
{
    /// <summary>After a participant has left, and after the watch began, a sleeper checks the ring again after these times: the kernel
    /// reports a closed file just before it releases the locks on it. After that a reader sleeps until it is woken. A writer goes on to
    /// check at the last of these times, because readers wake it only when there is much space.</summary>
    private static readonly TimeSpan[] CheckIntervals =
        [TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1)];

    private readonly RingFile _file;
    private readonly RingMapping _mapping;
    private readonly MappedRingMemory _memory;
    private readonly CancellationToken _closing;
    private AdaptiveWait _dataWait;
    private AdaptiveWait _spaceWait;
    private RingReceiveCoalescing _coalescing;
    private SleepState _dataSleep;
    private SleepState _spaceSleep;
    private int _departures;
    private bool _isWriter;
    private bool _isReader;
    private int _isDetached;
    private int _watch = FileWatcher.NotWatched;

    /// <summary>Maps a ring's file, and takes ownership of it.</summary>
    public RingParticipant(RingFile file, string target, CancellationToken closing)
    {
        _file = file;
        _closing = closing;
        _mapping = RingMapping.Map(file.Descriptor, file.Header.Capacity, target);
        var start = (byte*)_mapping.DangerousGetHandle();
        _memory = new MappedRingMemory(this, start, file.Header.Capacity, 0);
        var memory = _memory;
        var token = file.AcquireToken(ref *(uint*)(start + RingLayout.NextToken), candidate =>
            memory.ReadWord(RingLayout.WriterLock) == candidate || memory.ReadWord(RingLayout.ReaderLock) == candidate);
        _memory = new MappedRingMemory(this, start, file.Header.Capacity, token);
        RingProcessExitHook.Add(this);
    }

    ~RingParticipant() => Detach();

    public MappedRingMemory Memory => _memory;

    public RingMapping Mapping => _mapping;

    public CancellationToken Closing => _closing;

    public bool IsWriter => _isWriter;

    public bool IsReader => _isReader;

    public SafeDescriptor Descriptor => _file.Descriptor;

    /// <summary>Whether the ring stays when the last participant detaches. Every participant can change that.</summary>
    public bool Persists
    {
        get => (_memory.ReadWord(RingLayout.FlagsAt) & RingLayout.PersistentFlag) != 0;
        set => _memory.WriteWord(RingLayout.FlagsAt, value ? RingLayout.PersistentFlag : 0);
    }

    /// <summary>How long this participant spins before it sleeps.</summary>
    /// <param name="forData">For messages, not for buffer space.</param>
    public ref AdaptiveWait WaitState(bool forData) => ref forData ? ref _dataWait : ref _spaceWait;

    /// <summary>How long a reader lets messages gather.</summary>
    public ref RingReceiveCoalescing Coalescing => ref _coalescing;

    public bool IsAlive(uint token) => _file.IsAlive(token);

    public bool HasWriters() => _isWriter || _file.HasOtherWriters();

    public bool HasReaders() => _isReader || _file.HasOtherReaders();

    public void AttachWriter()
    {
        _file.AttachWriter();
        _isWriter = true;
        Interlocked.Increment(ref *(int*)(_mapping.DangerousGetHandle() + RingLayout.WritersEver));
    }

    public void AttachReader()
    {
        _file.AttachReader();
        _isReader = true;
        Interlocked.Increment(ref *(int*)(_mapping.DangerousGetHandle() + RingLayout.ReadersEver));
    }

    public void DetachWriter()
    {
        if (!_isWriter) return;
        _isWriter = false;
        _file.DetachWriter();
        var memory = _memory;
        RingEventCount.WakeAll(ref memory, RingLayout.DataSleepers);
    }

    public void DetachReader()
    {
        if (!_isReader) return;
        _isReader = false;
        _file.DetachReader();
        var memory = _memory;
        RingEventCount.WakeAll(ref memory, RingLayout.SpaceSleepers);
    }

    /// <summary>Sleeps while the word has the value.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Sleep(uint* word, uint expected, bool forData, in WaitOptions wait)
    {
        var isWatched = EnsureWatched(out var isNew);
        // The caller checks once more, and so sees what happened before the watch began.
        if (isNew) return true;
        ref var sleep = ref forData ? ref _dataSleep : ref _spaceSleep;
        var until = wait.Deadline;
        var limit = sleep.Next(Volatile.Read(ref _departures), isWatched && forData, expected);
        if (limit is { } time && (until.IsInfinite || until.Remaining > time)) until = Deadline.After(time);
        var began = Stopwatch.GetTimestamp();
        var woken = Waiter.WhileEqual(word, expected, isShared: true, new(until, wait.Cancellation), _closing);
        WaitState(forData).Blocked(Stopwatch.GetTimestamp() - began);
        return woken || !wait.Deadline.HasPassed;
    }

    /// <summary>Sleeps for a short time while a lock's word has the value. A lock is held for microseconds, unless its owner is dead or
    /// stopped.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool SleepBriefly(uint* word, uint expected, int round, in WaitOptions wait)
    {
        var time = TimeSpan.FromMilliseconds(Math.Min(1 << Math.Min(round, 7), 100));
        var until = wait.Deadline.IsInfinite || wait.Deadline.Remaining > time ? Deadline.After(time) : wait.Deadline;
        return Waiter.WhileEqual(word, expected, isShared: true, new(until, wait.Cancellation), _closing) || !wait.Deadline.HasPassed;
    }

    /// <summary>Called when another participant has closed the ring or died. Wakes this process's sleepers, which check whether that ends
    /// their wait.</summary>
    public void OnFileEvent()
    {
        try
        {
            using var hold = _mapping.Enter();
            Interlocked.Increment(ref _departures);
            var memory = _memory;
            RingEventCount.WakeAll(ref memory, RingLayout.DataSleepers);
            RingEventCount.WakeAll(ref memory, RingLayout.SpaceSleepers);
        }
        catch (ObjectDisposedException)
        {
            // No thread sleeps on a closed ring.
        }
    }

    /// <summary>Detaches from the ring. The file and the mapping stay open, because at the end of the process other threads may still use
    /// them.</summary>
    public void Detach()
    {
        if (_file is null || _mapping is null || Interlocked.Exchange(ref _isDetached, 1) != 0) return;
        DetachWriter();
        DetachReader();
        _file.Detach(Persists);
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        FileWatcher.Remove(this, _watch);
        RingProcessExitHook.Remove(this);
        Detach();
        _mapping.Dispose();
        _file.Dispose();
    }

    // A process that is killed wakes no sleeper, but the kernel closes its files, and inotify(7) reports that. False if the kernel has no
    // watch left: then the sleeper must check by itself.
    private bool EnsureWatched(out bool isNew)
    {
        isNew = false;
        if (Volatile.Read(ref _watch) != FileWatcher.NotWatched) return true;
        Volatile.Write(ref _watch, FileWatcher.Add(this, _file.Descriptor, Libc.IN_CLOSE_WRITE));
        return isNew = _watch != FileWatcher.NotWatched;
    }

    private struct SleepState
    {
        private int _departures;
        private int _next;
        private uint _announced;

        /// <summary>The longest time to sleep; null for no limit.</summary>
        /// <param name="departures">How many participants have left.</param>
        /// <param name="isWoken">Whether there is a wake-up for everything that this thread waits for.</param>
        /// <param name="announced">The event count's word.</param>
        public TimeSpan? Next(int departures, bool isWoken, uint announced)
        {
            if (announced != _announced)
            {
                // The first sleep after an announcement is short: see RingEventCount.
                _announced = announced;
                return CheckIntervals[0];
            }
            if (departures != _departures)
            {
                _departures = departures;
                _next = 0;
            }
            if (_next < CheckIntervals.Length) return CheckIntervals[_next++];
            // Without a watch, only checking shows that a peer has died.
            return isWoken ? null : CheckIntervals[^1];
        }
    }
}

/// <summary>Detaches from all rings when the process ends. So the last participant unlinks the file even if the program did not close the
/// ring.</summary>
internal static class RingProcessExitHook
{
    private static readonly ConcurrentDictionary<WeakReference<RingParticipant>, bool> Open = new();
    private static readonly ConditionalWeakTable<RingParticipant, WeakReference<RingParticipant>> Keys = [];

    static RingProcessExitHook() => AppDomain.CurrentDomain.ProcessExit += static (_, _) => DetachAll();

    public static void Add(RingParticipant participant)
    {
        var key = new WeakReference<RingParticipant>(participant);
        Keys.Add(participant, key);
        Open[key] = true;
    }

    public static void Remove(RingParticipant participant)
    {
        if (Keys.TryGetValue(participant, out var key)) Open.TryRemove(key, out _);
    }

    private static void DetachAll()
    {
        foreach (var key in Open.Keys)
        {
            if (key.TryGetTarget(out var participant)) participant.Detach();
        }
    }
}
