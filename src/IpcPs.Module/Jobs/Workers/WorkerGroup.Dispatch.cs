using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Remote;

namespace IpcPs.Module.Jobs.Workers;

/// <content>Which worker gets which item. All of it is under the lock.</content>
internal sealed partial class WorkerGroup
{
    private static readonly TimeSpan Stuck = TimeSpan.FromMilliseconds(20);

    /// <summary>Gives out what can be given out.</summary>
    private void Pump()
    {
        if (_isStopping || _isClosed) return;
        if (_options.StartOnDemand) StartForPending();
        while (NextItem() is { } item && FreeWorkerFor(item) is { } worker)
        {
            Take(item);
            worker.Send(item);
        }
        Rebalance();
        if (HasRoom && _pending.Count <= PendingPerWorker * Count / 2) Wake(ref _roomWaiter);
        SetItemTimer();
        EndInputIfDone();
    }

    private void StartForPending()
    {
        var starting = Running.Count(static w => !w.IsReady);
        for (var number = 1; number <= Count && starting < _pending.Count + _again.Count; number++)
        {
            if (_workers[number - 1] is { HasEnded: false }) continue;
            StartWorker(number);
            starting++;
        }
    }

    private void StartWorker(int number, RemotePlace? place = null)
    {
        var before = _workers[number - 1];
        var worker = new Worker(this, _start with { Place = place }, number) { FailedStarts = FailedStartsAfter(before) };
        before?.Dispose();
        _workers[number - 1] = worker;
        _running++;
        worker.Receiver.Start();
    }

    /// <summary>Starts another process in a worker's place. On other hosts, <see cref="ReplaceElsewhere"/> does.</summary>
    private void Replace(Worker worker)
    {
        if (_start.Hosts.Count > 0)
        {
            worker.IsReplacedElsewhere = true;
            _running++;
            return;
        }
        try
        {
            StartWorker(worker.Number);
        }
        catch (IpcException e)
        {
            FailToReplace(worker, e);
        }
    }

    /// <summary>Starts another process in the place of a worker on another host, which counts as one that runs. Not under the lock: it may
    /// wait for a login.</summary>
    private void ReplaceElsewhere(Worker worker)
    {
        RemotePlace? place = null;
        Exception? failure = null;
        try
        {
            place = (_start with { Worker = worker.Number }).TakePlace(_stopped.Token);
        }
        catch (OperationCanceledException)
        {
            // There was a request to stop.
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Any: it would end the whole process here.
            failure = e;
        }
        lock (_gate)
        {
            _running--;
            if (failure is not null) FailToReplace(worker, failure);
            else if (_isStopping || _isClosed) place?.Return();
            else StartInPlace(worker, place!);
            Pump();
            FinishIfEnded();
        }
    }

    private void StartInPlace(Worker worker, RemotePlace place)
    {
        try
        {
            StartWorker(worker.Number, place);
        }
        catch (IpcException e)
        {
            FailToReplace(worker, e);
        }
    }

    private static int FailedStartsAfter(Worker? worker) => worker is { IsReady: false } ? worker.FailedStarts + 1 : 0;

    private void FailToReplace(Worker worker, Exception e) =>
        Fail(JobEnd.Failed($"could not replace {worker}: {e.Message}", ErrorRecords.OfLibrary(e)?.Id));

    /// <summary>The worker with the fewest items, if it may have one more.</summary>
    private Worker? FreeWorkerFor(WorkItem item)
    {
        Worker? best = null;
        foreach (var worker in _workers)
        {
            if (worker is null || worker.HasEnded || worker.IsEnding || worker.IsGivingBack) continue;
            if (best is not null && worker.InFlight.Count >= best.InFlight.Count) continue;
            // An item that all others wait for must not stand behind one that waits for it.
            if (_options.Ordered && worker.InFlight.Last?.Value.Index > item.Index) continue;
            if (worker.InFlight.Count < (worker.Busy > Stuck ? 1 : worker.Window)) best = worker;
        }
        return best;
    }

    /// <summary>The item that is given out next; null if none may be.</summary>
    private WorkItem? NextItem()
    {
        if (_again.TryPeek(out var again, out _)) return MayBegin(again) ? again : null;
        return _outstanding < OutstandingPerWorker * Count && _pending.TryPeek(out var next) && MayBegin(next) ? next : null;
    }

    private void Take(WorkItem item)
    {
        if (_again.TryPeek(out var again, out _) && again == item)
        {
            _again.Dequeue();
            return;
        }
        _outstanding++;
        _pendingBytes -= item.Payload.Length;
        _pending.Dequeue();
    }

    /// <summary>Whether there is room for its output. The item that all others wait for needs none.</summary>
    private bool MayBegin(WorkItem item) => _resultBytes < MaxBytes || IsFirst(item);

    /// <summary>Whether the item that all others wait for has no worker.</summary>
    private bool IsFirstWaiting => _again.TryPeek(out var item, out _) && IsFirst(item);

    private bool IsFirst(WorkItem item) => _options.Ordered && _order.TryPeek(out var first) && first == item;

    /// <summary>Takes back what stands behind a long item, and what others could do who have nothing to do.</summary>
    private void Rebalance()
    {
        if (_running < 2) return;
        var anyIdle = false;
        Worker? longest = null;
        foreach (var worker in _workers)
        {
            if (worker is null || worker.HasEnded || !worker.IsReady || worker.IsGivingBack) continue;
            if (worker.InFlight.Count == 0) anyIdle |= !worker.IsEnding;
            else if (worker.InFlight.Count > 1 && worker.Busy > Stuck) worker.TakeBack();
            else if (worker.InFlight.Count > (longest?.InFlight.Count ?? 1)) longest = worker;
        }
        if (anyIdle) longest?.TakeBack();
    }

    private void EndInputIfDone()
    {
        if (!_isInputComplete || _pending.Count > 0 || _again.Count > 0) return;
        if (Running.Any(static w => w.InFlight.Count > 0)) return;
        foreach (var worker in Running.Where(static w => !w.IsEnding))
        {
            worker.EndInput();
            // It was started for an item that others have done meanwhile.
            if (_options.StartOnDemand && !worker.IsReady) worker.Kill();
        }
    }

    private void SetItemTimer()
    {
        if (_options.ItemTimeout is not { } limit || _isItemTimerSet) return;
        var longest = Running.Max(static w => w.Busy);
        if (longest is not { } busy) return;
        _isItemTimerSet = true;
        var left = limit - busy;
        _itemTimer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void KillSlow()
    {
        lock (_gate)
        {
            _isItemTimerSet = false;
            if (_isStopping) return;
            foreach (var worker in Running.Where(w => w.Busy >= _options.ItemTimeout && !w.IsTooSlow))
            {
                worker.IsTooSlow = true;
                worker.Kill();
            }
            if (Running.Any(static w => w is { Busy: not null, IsTooSlow: false })) SetItemTimer();
        }
    }
}
