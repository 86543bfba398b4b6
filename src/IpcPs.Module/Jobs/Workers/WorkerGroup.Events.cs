using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Workers;

/// <content>What the workers report, each on the thread that receives from it.</content>
internal sealed partial class WorkerGroup
{
    /// <summary>A worker has output an object. Waits if too much is buffered: then the worker has to wait too.</summary>
    public void OnOutput(Worker worker, ReadOnlyMemory<byte> payload)
    {
        var output = payload.ToArray();
        lock (_gate)
        {
            _resultBytes += output.Length;
            if (worker.InFlight.First is not { Value: var item })
            {
                // Of a begin or an end block.
                AddResult(new WorkerResult(null, output, null, IsEnd: false));
                Block(() => _resultBytes > MaxBytes);
                return;
            }
            item.Output.Add(output);
            item.OutputBytes += output.Length;
            if (item.OutputBytes >= StreamFrom) HandOverPart(item);
        }
    }

    /// <summary>A worker has written a record. For any thread.</summary>
    public void OnRecord(object record)
    {
        lock (_gate) AddResult(new WorkerResult(null, null, record, IsEnd: false));
    }

    /// <summary>A worker's script asks for an item, so it has finished the one before.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="failure">The error that ended the script block for that item; null if it went well.</param>
    public void OnNextItem(Worker worker, ErrorRecord? failure)
    {
        lock (_gate)
        {
            if (!worker.IsReady) worker.IsReady = true;
            else if (worker.InFlight.Count > 0)
            {
                var item = worker.EndItem();
                if (failure is null) Finish(item, null);
                else TryAgain(item, WorkerRecords.Named(failure, worker));
            }
            Pump();
        }
    }

    /// <summary>A worker has returned the last items that it got.</summary>
    public void OnItemsReturned(Worker worker, int count)
    {
        lock (_gate)
        {
            worker.IsGivingBack = false;
            for (; count > 0; count--) GiveToOthers(worker);
            Pump();
        }
    }

    /// <summary>A worker's process has ended, and everything that it sent has come.</summary>
    public void OnEnd(Worker worker, JobEnd end)
    {
        var how = worker.DescribeExit(end);
        worker.Disconnect();
        lock (_gate)
        {
            worker.HasEnded = true;
            _running--;
            // What a process got that never asked for an item, it has not begun. Where its script has ended by itself, that item fails.
            var hasBegun = worker.IsReady || end.IsReported;
            var held = hasBegun && worker.InFlight.First is not null ? worker.EndItem() : null;
            while (worker.InFlight.Count > 0) GiveToOthers(worker);
            if (!_isStopping) OnEnd(worker, end, how, held);
            Pump();
            FinishIfEnded();
        }
        if (worker.IsReplacedElsewhere) ReplaceElsewhere(worker);
    }

    private static ErrorRecord Died(Worker worker, WorkItem item, string how, TimeSpan? limit)
    {
        var exception = limit is { } seconds
            ? new IpcException(IpcErrors.Timeout, string.Create(CultureInfo.InvariantCulture,
                $"The item took longer than {seconds.TotalSeconds} s, so its {worker} was killed."))
            : new IpcException(IpcErrors.WorkerDied, $"W{worker.ToString()[1..]} {how} while it worked on this item.", null,
                "-Retry gives such an item to another worker.");
        return WorkerRecords.Named(ErrorRecords.ToRecord(exception, new JobSerializer().Decode(item.Payload)), worker);
    }

    private void OnEnd(Worker worker, JobEnd end, string how, WorkItem? held)
    {
        if (end is { IsReported: true, State: JobState.Completed } && !(held is not null && _options.IsPerItem))
        {
            // The script has ended as it is meant to; perhaps before the end of the input, as with Select-Object -First.
            if (held is not null) Finish(held, null);
            if (_running > 0 || worker.IsEnding) return;
            _isClosed = true;
            DropPending();
        }
        else if (held is not null && (_options.IsPerItem || !end.IsReported))
        {
            TryAgain(held, Died(worker, held, how, worker.IsTooSlow ? _options.ItemTimeout : null));
            if (!_isStopping) Replace(worker);
        }
        else if (worker.IsEnding && (_options.StartOnDemand || (!_options.HasEnd && !end.IsReported)))
        {
            // It had nothing to do any more. A host that is lost is noticed long after the others have done its work, or between the end
            // of the script and that of the process.
        }
        else if (!end.IsReported && !worker.IsEnding && FailedStartsAfter(worker) < MaxFailedStarts)
        {
            Replace(worker);
        }
        else
        {
            Fail(end with { State = JobState.Failed, What = $"failed: its {worker} {how} before its script ended." });
        }
    }

    private void GiveToOthers(Worker worker)
    {
        if (worker.InFlight.Last is not { Value: var item }) return;
        worker.InFlight.RemoveLast();
        if (!_isStopping) AddAgain(item);
    }

    private void AddAgain(WorkItem item)
    {
        _again.Enqueue(item, item.Index);
        if (_blockedReceivers > 0) Monitor.PulseAll(_gate);
    }

    private void TryAgain(WorkItem item, ErrorRecord failure)
    {
        if (++item.Attempts > _options.Retry || item.IsCommitted || _isStopping)
        {
            Finish(item, failure);
            return;
        }
        DropOutput(item);
        AddAgain(item);
    }

    private void Finish(WorkItem item, ErrorRecord? failure)
    {
        item.IsDone = true;
        item.Failure = failure;
        _done[item.Worker - 1]++;
        if (failure is not null)
        {
            DropOutput(item);
            _failed[item.Worker - 1]++;
        }
        if (!_options.Ordered) AddOutput(item, isEnd: true);
        else
        {
            while (_order.TryPeek(out var first) && first.IsDone) AddOutput(_order.Dequeue(), isEnd: true);
            // The receiver of the item that is the first one now may wait for that.
            if (_blockedReceivers > 0) Monitor.PulseAll(_gate);
        }
        if (failure is not null && _options.MaxFailures <= ItemsFailed) Fail(TooManyFailures());
    }

    private JobEnd TooManyFailures() => JobEnd.Failed(
        string.Create(CultureInfo.InvariantCulture, $"was stopped: {ItemsFailed} items failed (-MaxFailures {_options.MaxFailures})."));

    private void DropOutput(WorkItem item)
    {
        _resultBytes -= item.OutputBytes;
        item.Output.Clear();
        item.OutputBytes = 0;
    }

    /// <summary>Hands over what the item has output.</summary>
    private void AddOutput(WorkItem item, bool isEnd)
    {
        for (var i = 0; i < item.Output.Count; i++)
            AddResult(new WorkerResult(item, item.Output[i], null, isEnd && i == item.Output.Count - 1));
        if (isEnd && item.Output.Count == 0) AddResult(new WorkerResult(item, null, null, IsEnd: true));
        item.Output.Clear();
        item.OutputBytes = 0;
    }

    private void AddResult(WorkerResult result)
    {
        _results.Enqueue(result);
        Wake(ref _resultWaiter);
    }

    /// <summary>Hands over what an item has output so far, when it is the item's turn.</summary>
    private void HandOverPart(WorkItem item)
    {
        // Unless the first one waits for a worker, perhaps for this one.
        Block(() => _options.Ordered && !IsFirst(item) && !IsFirstWaiting);
        if (_options.Ordered && !IsFirst(item)) return;
        item.IsCommitted = true;
        AddOutput(item, isEnd: false);
        Block(() => _resultBytes > MaxBytes);
    }

    /// <summary>Keeps a receiver waiting, and so its worker.</summary>
    private void Block(Func<bool> condition)
    {
        while (condition() && !_isStopping)
        {
            _blockedReceivers++;
            Monitor.Wait(_gate);
            _blockedReceivers--;
        }
    }
}
