using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The items that a worker gets from its job, one after the other. When the script asks for the next one, the job is
/// notified that the one before is finished.</summary>
/// <param name="records">Where the job is notified.</param>
/// <param name="stopping">Cancelled when the script is stopped.</param>
internal sealed class WorkerInput(RecordSender records, CancellationToken stopping) : IJobInput
{
    private readonly object _guard = new();
    private readonly Queue<byte[]> _items = new();
    private readonly JobSerializer _serializer = new();
    private bool _ended;
    private ErrorRecord? _failure;

    /// <summary>The script block has failed for the item that the script has.</summary>
    public void Fail(ErrorRecord error) => _failure = error;

    /// <summary>The job has sent an item.</summary>
    public void Add(ReadOnlySpan<byte> item)
    {
        lock (_guard)
        {
            _items.Enqueue(item.ToArray());
            Monitor.Pulse(_guard);
        }
    }

    /// <summary>Gives the items back that the script has not asked for.</summary>
    public void GiveBack()
    {
        lock (_guard)
        {
            var count = _items.Count;
            _items.Clear();
            // Under the lock: the job must not hear of the next item first.
            records.Send(JobStreamId.ItemsReturned, count);
            records.Flush();
        }
    }

    public void End(int writers)
    {
        lock (_guard)
        {
            _ended = true;
            Monitor.Pulse(_guard);
        }
    }

    public bool TryReceive(out PSObject? value)
    {
        while (TakeNext() is { } item)
        {
            try
            {
                value = _serializer.Decode(item, stopping) is { } decoded ? PSObject.AsPSObject(decoded) : null;
                return true;
            }
            catch (OperationCanceledException)
            {
                throw new PipelineStoppedException();
            }
            catch (IpcException e)
            {
                // What can't be read fails as an item.
                Fail(ErrorRecords.ToRecord(e));
            }
        }
        value = null;
        return false;
    }

    public void Dispose()
    {
    }

    /// <summary>Waits for the next item; null at the end.</summary>
    private byte[]? TakeNext()
    {
        // At once: if this process is killed in the next moment, all that the finished item gave must have left it, and the item that
        // is blamed must be the right one.
        records.Send(JobStreamId.NextItem, _failure);
        records.Flush();
        _failure = null;
        using var wake = stopping.Register(Wake);
        byte[]? item;
        lock (_guard)
        {
            while (!_items.TryDequeue(out item) && !_ended && !stopping.IsCancellationRequested) Monitor.Wait(_guard);
        }
        if (stopping.IsCancellationRequested) throw new PipelineStoppedException();
        return item;
    }

    private void Wake()
    {
        lock (_guard) Monitor.PulseAll(_guard);
    }
}
