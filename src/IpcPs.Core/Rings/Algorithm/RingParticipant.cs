using System.Diagnostics;
using IpcPs.Files;

namespace IpcPs.Rings.Algorithm;

/// <summary>This process's part in a ring: the file, the mapping, the token, and how it sleeps.</summary>
internal sealed unsafe class RingParticipant : IFileWatch, IDisposable
{
    /// <summary>After somebody has left, and when we begin to watch, things are looked at again this often: the kernel tells of a closed file just before it gives up
    /// the locks on it. Then the sleep has no end but a wake.</summary>
    private static readonly TimeSpan[] Naps = [TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1)];

    private readonly RingFile _file;
    private readonly RingMapping _mapping;
    private readonly MappedRingMemory _memory;
    private readonly CancellationToken _closing;
    private AdaptiveWait _dataSpin;
    private AdaptiveWait _roomSpin;
    private RingReceiveCoalescing _patience;
    private NapState _dataNaps;
    private NapState _roomNaps;
    private int _departures;
    private bool _isWriter;
    private bool _isReader;
    private int _left;
    private int _watch = FileWatcher.NotWatched;

    /// <summary>Maps a ring's file, which it owns from here on.</summary>
    public RingParticipant(RingFile file, string target, CancellationToken closing)
    {
        _file = file;
        _closing = closing;
        _mapping = RingMapping.Map(file.Descriptor, file.Header.Capacity, target);
        var start = (byte*)_mapping.DangerousGetHandle();
        _memory = new MappedRingMemory(this, start, file.Header.Capacity, 0);
        var memory = _memory;
        var token = file.TakeToken(ref *(uint*)(start + RingLayout.NextToken), candidate =>
            memory.ReadWord(RingLayout.WriterLock) == candidate || memory.ReadWord(RingLayout.ReaderLock) == candidate);
        _memory = new MappedRingMemory(this, start, file.Header.Capacity, token);
        RingProcessExitHook.Add(this);
    }

    ~RingParticipant() => Leave();

    public MappedRingMemory Memory => _memory;

    public RingMapping Mapping => _mapping;

    public RingHeader Header => _file.Header;

    public CancellationToken Closing => _closing;

    public bool IsWriter => _isWriter;

    public bool IsReader => _isReader;

    public SafeDescriptor Descriptor => _file.Descriptor;

    /// <summary>Whether the ring stays when the last participant leaves. Every participant can change that.</summary>
    public bool Persists
    {
        get => (_memory.ReadWord(RingLayout.FlagsAt) & RingLayout.PersistentFlag) != 0;
        set => _memory.WriteWord(RingLayout.FlagsAt, value ? RingLayout.PersistentFlag : 0);
    }

    public ref AdaptiveWait Spin(bool forData) => ref forData ? ref _dataSpin : ref _roomSpin;

    /// <summary>How long a reader lets messages gather.</summary>
    public ref RingReceiveCoalescing Patience => ref _patience;

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
        RingEventCount.All(ref memory, RingLayout.DataSleepers);
    }

    public void DetachReader()
    {
        if (!_isReader) return;
        _isReader = false;
        _file.DetachReader();
        var memory = _memory;
        RingEventCount.All(ref memory, RingLayout.RoomSleepers);
    }

    /// <summary>Sleeps while the word has the value.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Sleep(uint* word, uint expected, bool forData, in WaitOptions wait)
    {
        var isWatched = EnsureWatched(out var isNew);
        // What happened before we watched is seen by looking once more.
        if (isNew) return true;
        ref var naps = ref forData ? ref _dataNaps : ref _roomNaps;
        var until = wait.Deadline;
        if (naps.Next(Volatile.Read(ref _departures), isWatched, expected) is { } nap && (until.IsInfinite || until.Remaining > nap)) until = Deadline.After(nap);
        var began = Stopwatch.GetTimestamp();
        var woken = Waiter.WhileEqual(word, expected, isShared: true, new(until, wait.Cancellation), _closing);
        Spin(forData).Blocked(Stopwatch.GetTimestamp() - began);
        return woken || !wait.Deadline.HasPassed;
    }

    /// <summary>Sleeps for a moment while a lock has the value: it is held for microseconds, or its owner is dead or stopped.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool SleepBriefly(uint* word, uint expected, int round, in WaitOptions wait)
    {
        var nap = TimeSpan.FromMilliseconds(Math.Min(1 << Math.Min(round, 7), 100));
        var until = wait.Deadline.IsInfinite || wait.Deadline.Remaining > nap ? Deadline.After(nap) : wait.Deadline;
        return Waiter.WhileEqual(word, expected, isShared: true, new(until, wait.Cancellation), _closing) || !wait.Deadline.HasPassed;
    }

    /// <summary>Another participant has closed the ring or died: wakes this process's sleepers, which check whether it concerns them.</summary>
    public void OnFileEvent()
    {
        try
        {
            using var hold = _mapping.Enter();
            Interlocked.Increment(ref _departures);
            var memory = _memory;
            RingEventCount.All(ref memory, RingLayout.DataSleepers);
            RingEventCount.All(ref memory, RingLayout.RoomSleepers);
        }
        catch (ObjectDisposedException)
        {
            // Nobody sleeps on what is closed.
        }
    }

    /// <summary>Leaves the ring, the file and the mapping staying open: at the process's end, when other threads may still be in it.</summary>
    public void Leave()
    {
        if (_file is null || _mapping is null || Interlocked.Exchange(ref _left, 1) != 0) return;
        DetachWriter();
        DetachReader();
        _file.Leave(Persists);
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        FileWatcher.Remove(this, _watch);
        RingProcessExitHook.Remove(this);
        Leave();
        _mapping.Dispose();
        _file.Dispose();
    }

    // A process that is killed wakes no sleeper, but the kernel closes its files and reports that. False where the kernel has no watch left:
    // then the sleeper has to look for itself.
    private bool EnsureWatched(out bool isNew)
    {
        isNew = false;
        if (Volatile.Read(ref _watch) != FileWatcher.NotWatched) return true;
        Volatile.Write(ref _watch, FileWatcher.Add(this, _file.Descriptor, Libc.IN_CLOSE_WRITE));
        return isNew = _watch != FileWatcher.NotWatched;
    }

    private struct NapState
    {
        private int _seen;
        private int _next;
        private uint _announced;

        /// <summary>How long to sleep at most; null for no end.</summary>
        public TimeSpan? Next(int departures, bool isWatched, uint announced)
        {
            if (announced != _announced)
            {
                // See RingEventCount: one look later than the announcement.
                _announced = announced;
                return Naps[0];
            }
            if (departures != _seen)
            {
                _seen = departures;
                _next = 0;
            }
            if (_next < Naps.Length) return Naps[_next++];
            // Without a watch the death of a peer can only be found by looking.
            return isWatched ? null : Naps[^1];
        }
    }
}
