using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Workers;

/// <summary>Several processes that share one input: the one that is free gets the next item. The items and what becomes of them go through
/// this process as bytes, without being decoded.</summary>
/// <remarks>What an item gives is handed over when the item is finished. So the output of an item whose worker dies is not seen at all, and
/// another worker can do it. Only an item with more output than <see cref="StreamFrom"/> is handed over in parts.
/// One thread adds items, one takes results, and each worker has a thread that calls the methods named On….</remarks>
internal sealed partial class WorkerGroup : IDisposable
{
    /// <summary>How many items, for each worker, wait for a worker.</summary>
    private const int PendingPerWorker = 64;

    /// <summary>How many items, for each worker, have been given out and were not taken as results yet. With -Ordered, that is how far the
    /// others can get ahead of a slow item.</summary>
    private const int OutstandingPerWorker = 128;

    /// <summary>How many results are taken before new items are given out for them.</summary>
    private const int PumpEvery = 16;

    /// <summary>The bytes of items that wait, and the bytes of results that wait: about 16 MiB each.</summary>
    private const long MaxBytes = 16 << 20;

    /// <summary>The bytes of output from which on an item is handed over in parts.</summary>
    private const int StreamFrom = 1 << 20;

    /// <summary>How many processes of one worker may end, one after the other, before one has asked for an item.</summary>
    private const int MaxFailedStarts = 5;

    private readonly object _gate = new();
    private readonly JobStartInfo _start;
    private readonly WorkerOptions _options;
    private readonly Worker?[] _workers;
    private readonly long[] _done;
    private readonly long[] _failed;
    private readonly Queue<WorkItem> _pending = new();
    // Returned, or to be tried again: the first of the input first.
    private readonly PriorityQueue<WorkItem, long> _again = new();
    // With -Ordered: all items that were not handed over, in the order of the input.
    private readonly Queue<WorkItem> _order = new();
    private readonly Queue<WorkerResult> _results = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Timer _killTimer;
    private readonly Timer _itemTimer;
    private readonly Timer _timeoutTimer;
    private bool _isItemTimerSet;
    private ManualResetEventSlim? _roomWaiter;
    private ManualResetEventSlim? _resultWaiter;
    private long _added;
    private long _pendingBytes;
    private long _resultBytes;
    private int _outstanding;
    private int _running;
    private int _blockedReceivers;
    private bool _isInputComplete;
    private bool _isClosed;
    private volatile bool _isStopping;
    private volatile bool _isFinished;
    private JobEnd? _end;

    /// <summary>A group without processes: <see cref="Start"/> starts them.</summary>
    public WorkerGroup(JobStartInfo start, WorkerOptions options)
    {
        _start = start;
        _options = options;
        _workers = new Worker?[options.Count];
        _done = new long[options.Count];
        _failed = new long[options.Count];
        _killTimer = new Timer(static g => ((WorkerGroup)g!).Kill(), this, Timeout.Infinite, Timeout.Infinite);
        _timeoutTimer = new Timer(static g => ((WorkerGroup)g!).OnTimeout(), this, Timeout.Infinite, Timeout.Infinite);
        _itemTimer = new Timer(static g => ((WorkerGroup)g!).KillSlow(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Whether the workers were told to stop.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>Whether all workers have ended.</summary>
    public bool IsFinished => _isFinished;

    /// <summary>Whether the whole has failed, and not only some of its items.</summary>
    public bool HasFailed => _end is not null;

    /// <summary>Whether no more items are wanted: all workers have ended, or were asked to.</summary>
    public bool IsClosed => _isClosed || _isStopping;

    /// <summary>The number of workers.</summary>
    public int Count => _options.Count;

    /// <summary>How many items there are; null as long as more may come.</summary>
    public long? ItemsTotal
    {
        get
        {
            lock (_gate) return _isInputComplete ? _added : null;
        }
    }

    /// <summary>How many items are finished, failed ones included.</summary>
    public long ItemsDone
    {
        get
        {
            lock (_gate) return _done.Sum();
        }
    }

    /// <summary>How many items failed.</summary>
    public long ItemsFailed
    {
        get
        {
            lock (_gate) return _failed.Sum();
        }
    }

    /// <summary>How many items workers have now.</summary>
    public int ItemsInFlight
    {
        get
        {
            lock (_gate) return _workers.Sum(static w => w is { HasEnded: false } ? w.InFlight.Count : 0);
        }
    }

    /// <summary>The workers that were started.</summary>
    public IReadOnlyList<IpcJobWorker> Workers
    {
        get
        {
            lock (_gate) return Indexed.Of(_workers.Where(static w => w is not null).Select(w => Describe(w!)));
        }
    }

    /// <summary>How the whole has ended. Known when <see cref="WaitForResult"/> has returned false.</summary>
    public JobEnd End => _end ?? (_isStopping ? new JobEnd(JobState.Stopped, 1, null, true, "was stopped.")
        : ItemsFailed is > 0 and var failed ? JobEnd.Failed($"failed for {failed} of {ItemsDone} items.")
        : new JobEnd(JobState.Completed, 0, null, true, ""));

    /// <summary>Starts the workers, unless they start on demand.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public void Start()
    {
        if (_options.Timeout is { } limit) _timeoutTimer.Change(limit, Timeout.InfiniteTimeSpan);
        if (_options.StartOnDemand) return;
        lock (_gate)
        {
            for (var number = 1; number <= Count; number++) StartWorker(number);
        }
    }

    /// <summary>Adds an item, unless enough items wait.</summary>
    /// <param name="payload">The encoded object. It is not copied.</param>
    /// <param name="text">See <see cref="WorkItem.Text"/>.</param>
    /// <returns>False if enough items wait: call <see cref="WaitForRoom"/>. True also if no more items are wanted.</returns>
    public bool TryAdd(byte[] payload, string? text = null)
    {
        lock (_gate)
        {
            if (IsClosed) return true;
            if (!HasRoom) return false;
            var item = new WorkItem(_added++, payload, text);
            _pending.Enqueue(item);
            _pendingBytes += payload.Length;
            if (_options.Ordered) _order.Enqueue(item);
            Pump();
            return true;
        }
    }

    /// <summary>No more items come.</summary>
    public void CompleteInput()
    {
        lock (_gate)
        {
            _isInputComplete = true;
            Pump();
            FinishIfEnded();
        }
    }

    /// <summary>Takes the next result, if there is one.</summary>
    public bool TryTake(out WorkerResult result)
    {
        lock (_gate)
        {
            if (!_results.TryDequeue(out result)) return false;
            _resultBytes -= result.Output?.Length ?? 0;
            if (result.IsEnd) _outstanding--;
            if (_blockedReceivers > 0) Monitor.PulseAll(_gate);
            // Whatever was held back by the results may go on when they are taken; not for each of them.
            if (_results.Count == 0 || (result.IsEnd && _outstanding % PumpEvery == 0)) Pump();
            return true;
        }
    }

    /// <summary>Waits until an item can be added.</summary>
    /// <param name="orResult">Whether to return also when there is a result, for one thread that does both.</param>
    /// <param name="wait">How long.</param>
    /// <returns>False when the time is over.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public bool WaitForRoom(bool orResult, in WaitOptions wait)
    {
        using var waiter = NewWaiter();
        lock (_gate)
        {
            if (HasRoom || IsClosed || _isFinished || (orResult && _results.Count > 0)) return true;
            _roomWaiter = waiter;
            if (orResult) _resultWaiter = waiter;
        }
        return Wait(waiter, wait);
    }

    /// <summary>Waits for a result.</summary>
    /// <returns>False when there will be none: all workers have ended, and all results were taken; or when the time is over.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public bool WaitForResult(in WaitOptions wait)
    {
        using var waiter = NewWaiter();
        lock (_gate)
        {
            if (_results.Count > 0) return true;
            if (_isFinished) return false;
            _resultWaiter = waiter;
        }
        return Wait(waiter, wait) && (_results.Count > 0 || !_isFinished);
    }

    /// <summary>Wakes the thread that waits for a result, which has something else to do.</summary>
    public void WakeTaker()
    {
        lock (_gate) Wake(ref _resultWaiter);
    }

    /// <summary>Tells all workers to stop, and kills those that have not ended in time. Does not wait.</summary>
    public void Stop() => Stop(static w => w.RequestStop());

    /// <summary>No process reads the results any more: stops as a program does by SIGPIPE.</summary>
    public void EndForLackOfReader() => Stop(static w => w.EndForLackOfReader());

    /// <summary>Kills all workers, with all programs that they started.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            BeginStop();
            foreach (var worker in Running) worker.Kill();
        }
    }

    /// <summary>The whole has failed.</summary>
    public void Fail(JobEnd end)
    {
        lock (_gate)
        {
            _end ??= end;
            Stop();
        }
    }

    /// <summary>Kills what still runs, and closes the channels.</summary>
    public void Dispose()
    {
        if (!_isFinished) Kill();
        _killTimer.Dispose();
        _itemTimer.Dispose();
        _timeoutTimer.Dispose();
        lock (_gate)
        {
            foreach (var worker in _workers) worker?.Dispose();
        }
    }

    private IEnumerable<Worker> Running => _workers.Where(static w => w is { HasEnded: false })!;

    private bool HasRoom => _pending.Count < PendingPerWorker * Count && _pendingBytes < MaxBytes;

    // Does not spin, as a SemaphoreSlim does for 100 us: the workers need the processor.
    private static ManualResetEventSlim NewWaiter() => new(initialState: false, spinCount: 0);

    private static void Wake(ref ManualResetEventSlim? waiter)
    {
        waiter?.Set();
        waiter = null;
    }

    private bool Wait(ManualResetEventSlim waiter, in WaitOptions wait)
    {
        try
        {
            return waiter.Wait(wait.Deadline.IsInfinite ? Timeout.InfiniteTimeSpan : wait.Deadline.Remaining, wait.Cancellation);
        }
        finally
        {
            lock (_gate)
            {
                if (_roomWaiter == waiter) _roomWaiter = null;
                if (_resultWaiter == waiter) _resultWaiter = null;
            }
        }
    }

    private IpcJobWorker Describe(Worker worker) => new()
    {
        Id = worker.Number,
        ProcessId = worker.ProcessId,
        HostName = worker.HostName,
        State = worker.HasEnded ? IpcWorkerState.Ended
            : !worker.IsReady ? IpcWorkerState.Starting
            : worker.InFlight.Count > 0 ? IpcWorkerState.Busy : IpcWorkerState.Idle,
        ItemsDone = _done[worker.Number - 1],
        ItemsFailed = _failed[worker.Number - 1],
        Channel = worker.Channel,
    };

    private void Stop(Action<Worker> how)
    {
        lock (_gate)
        {
            if (_isStopping) return;
            BeginStop();
            foreach (var worker in Running) how(worker);
            if (_running > 0) _killTimer.Change(_options.Grace, Timeout.InfiniteTimeSpan);
            FinishIfEnded();
        }
    }

    private void OnTimeout() => Fail(JobEnd.Failed(
        string.Create(CultureInfo.InvariantCulture, $"was stopped after {_options.Timeout!.Value.TotalSeconds} s (-Timeout)."),
        IpcErrors.Timeout));

    private void BeginStop()
    {
        _isStopping = true;
        _stopped.Cancel();
        DropPending();
        Monitor.PulseAll(_gate);
    }

    private void DropPending()
    {
        _pending.Clear();
        _again.Clear();
        _pendingBytes = 0;
        Wake(ref _roomWaiter);
    }

    private void FinishIfEnded()
    {
        if (_running > 0 || _isFinished || !(_isStopping || _isClosed || (_isInputComplete && _pending.Count + _again.Count == 0))) return;
        _isFinished = true;
        Wake(ref _roomWaiter);
        Wake(ref _resultWaiter);
    }
}
