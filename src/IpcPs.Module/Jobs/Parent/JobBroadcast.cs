using IpcPs.Mechanisms;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The output of a job that several jobs read (-Broadcast): a ring, from which each reader gets every object. Nothing flows
/// before all readers are there. The job is not a stage of its readers: a reader that ends, or is removed, ends itself only. The last one
/// that ends also ends the job.</summary>
internal sealed class JobBroadcast
{
    /// <summary>As many as a ring has places for readers that hold their writer back.</summary>
    public const int MaxReaders = 64;

    private readonly object _guard = new();
    private readonly int _count;
    private readonly List<Reader> _readers = [];
    private Action? _whenConnected;
    private bool _flows;
    private bool _hasSourceEnded;
    private bool _isWritten;
    private bool _isRemoved;

    /// <summary>Creates the ring.</summary>
    /// <param name="source">The job that writes.</param>
    /// <param name="count">How many jobs will read.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no descriptors are left, or /dev/shm is full.</exception>
    public JobBroadcast(IpcJob source, int count)
    {
        var ring = IpcMechanisms.Transport("Ring");
        Source = source;
        _count = count;
        Output = new JobInputTransport(ring, ring.CreateBroadcast(), _ => OnWritten());
    }

    /// <summary>The job that writes.</summary>
    public IpcJob Source { get; }

    /// <summary>What it writes to. Closed when all readers have ended.</summary>
    public JobInputTransport Output { get; }

    /// <summary>The jobs that read.</summary>
    public IReadOnlyList<IpcJob> Readers
    {
        get
        {
            lock (_guard) return Indexed.Of(_readers.Select(static r => r.Job));
        }
    }

    /// <summary>Adds a reader.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: all readers are there already, or the job was
    /// removed.</exception>
    public void AddReader(IpcJob job)
    {
        lock (_guard)
        {
            // The descriptor may be that of another ring by now.
            if (_isRemoved) throw new IpcException(IpcErrors.InvalidOperation, $"Job '{Source.Name}' was removed.", Source.Name);
            if (_readers.Count == _count)
            {
                throw new IpcException(IpcErrors.InvalidOperation,
                    $"The output of job '{Source.Name}' already goes to as many jobs as -Broadcast says: "
                    + $"{string.Join(", ", _readers.Select(static r => $"'{r.Job.Name}'"))}.",
                    Source.Name, $"Start it with -Broadcast {_count + 1}.");
            }
            _readers.Add(new Reader(job));
        }
        job.Input!.AddSource();
        job.AddBroadcast(this, new AttachMessage(Output.Redirection, job.Input.Redirection));
        if (job.Input.IsClosed) OnReaderEnded(job);
    }

    /// <summary>A reader gets the next object.</summary>
    public void OnReaderAttached(IpcJob job)
    {
        lock (_guard)
        {
            if (_readers.Find(r => r.Job == job && !r.HasAttached) is not { } reader) return;
            reader.HasAttached = true;
        }
        job.Input!.OnSourceOpened(asWriter: true);
        Continue();
    }

    /// <summary>A reader has ended.</summary>
    public void OnReaderEnded(IpcJob job)
    {
        lock (_guard)
        {
            foreach (var reader in _readers.Where(r => r.Job == job)) reader.HasEnded = true;
        }
        Continue();
    }

    /// <summary>Runs an action when all readers are there, or will never be.</summary>
    public void WhenConnected(Action action)
    {
        lock (_guard)
        {
            if (!_flows)
            {
                _whenConnected = action;
                return;
            }
        }
        action();
    }

    /// <summary>The job that writes was stopped, or has failed: there is nothing to wait for.</summary>
    public void Cancel()
    {
        lock (_guard) _flows = true;
        Continue();
    }

    /// <summary>The job that writes has ended, and its <see cref="IpcJob.Failure"/> is known. So the readers' input may end.</summary>
    public void OnSourceEnded()
    {
        lock (_guard) _hasSourceEnded = true;
        Continue();
    }

    /// <summary>The job that writes was removed: no more readers come.</summary>
    public void OnSourceRemoved()
    {
        lock (_guard) _isRemoved = true;
        Cancel();
    }

    private void OnWritten()
    {
        lock (_guard) _isWritten = true;
        Continue();
    }

    /// <summary>Does what can be done now. What it calls does not need the lock.</summary>
    private void Continue()
    {
        Action? flow = null;
        bool hasNoReader, isOver;
        var ended = new List<IpcJob>();
        lock (_guard)
        {
            var areAllHere = _readers.Count == _count;
            var areAllAttached = _readers.TrueForAll(static r => r.HasAttached || r.HasEnded);
            _flows |= areAllHere && areAllAttached;
            if (_flows) (flow, _whenConnected) = (_whenConnected, null);
            hasNoReader = areAllHere && !Output.IsClosed && _readers.TrueForAll(static r => r.HasEnded);
            foreach (var reader in _readers)
            {
                // Not before it has attached: only then it counts as a writer of its own input.
                if (!_hasSourceEnded || !reader.HasAttached || reader.IsInputEnded) continue;
                reader.IsInputEnded = true;
                ended.Add(reader.Job);
            }
            // A reader that has not attached yet may still open the ring by the descriptor's number.
            isOver = _hasSourceEnded && areAllAttached && (areAllHere || _isRemoved) && (_isWritten || hasNoReader || Output.IsClosed);
        }
        if (hasNoReader)
        {
            Output.Close();
            Source.EndForLackOfReader();
        }
        flow?.Invoke();
        foreach (var job in ended) job.Input!.OnSourceEnded();
        if (isOver) Output.Dispose();
    }

    private sealed class Reader(IpcJob job)
    {
        public IpcJob Job => job;

        public bool HasAttached { get; set; }

        public bool HasEnded { get; set; }

        public bool IsInputEnded { get; set; }
    }
}
