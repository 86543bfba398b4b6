using System.ComponentModel;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Jobs.Pools;

/// <summary>What a pool does now.</summary>
public enum IpcJobPoolState
{
    /// <summary>It starts children.</summary>
    Starting,

    /// <summary>All of its children are ready.</summary>
    Ready,

    /// <summary>Its children can't start. It has none any more, and starts no others.</summary>
    Failed,

    /// <summary>It was removed.</summary>
    Removed,
}

/// <summary>Child processes that have started PowerShell, imported IpcPs and run an initialization script, and wait for a job. Each is used
/// once; the pool starts another in its place. The children end with the pool, and with this process. For any thread.</summary>
[TypeConverter(typeof(IpcJobPoolConverter))]
public sealed class IpcJobPool
{
    /// <summary>A child that was ready for so long shows that children can start.</summary>
    private static readonly TimeSpan LongLife = TimeSpan.FromMinutes(1);

    private readonly object _guard = new();
    private readonly HashSet<WarmChild> _children = [];
    private readonly LinkedList<WarmChild> _ready = new();
    private IpcJobPoolState _end;
    private string? _failure;
    private int _failures;

    internal IpcJobPool(int id, string name, int size, PrepareMessage preparation)
    {
        Id = id;
        Name = name;
        Size = size;
        Preparation = preparation;
        PreparationMessage = new JobSerializer().Encode(preparation.ToBag()).ToArray();
    }

    /// <summary>Its number in this process.</summary>
    public int Id { get; }

    /// <summary>Its name. No other pool of this process has it.</summary>
    public string Name { get; }

    /// <summary>How many children it keeps ready.</summary>
    public int Size { get; }

    /// <summary>How many children are ready now.</summary>
    public int Available
    {
        get
        {
            lock (_guard) return _ready.Count;
        }
    }

    /// <summary>What it does now.</summary>
    public IpcJobPoolState State
    {
        get
        {
            lock (_guard) return StateNow;
        }
    }

    /// <summary>Why it failed; null if it did not.</summary>
    public string? Failure
    {
        get
        {
            lock (_guard) return _failure;
        }
    }

    /// <summary>The script that each child has run; null for none.</summary>
    public string? InitializationScript => Preparation.Script;

    /// <summary>What each child does before it is ready.</summary>
    internal PrepareMessage Preparation { get; }

    /// <summary><see cref="Preparation"/>, encoded.</summary>
    internal ReadOnlyMemory<byte> PreparationMessage { get; }

    private IpcJobPoolState StateNow => _end != IpcJobPoolState.Starting ? _end
        : _ready.Count < Size ? IpcJobPoolState.Starting : IpcJobPoolState.Ready;

    /// <summary>Waits until all children are ready, or until the pool has ended.</summary>
    /// <returns>Whether they are ready.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the time is negative.</exception>
    public bool WaitUntilReady(TimeSpan timeout) => WaitUntilReady(Deadline.After(timeout)) == IpcJobPoolState.Ready;

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Waits until all children are ready, or until the pool has ended.</summary>
    /// <returns>The state; <see cref="IpcJobPoolState.Starting"/> when the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal IpcJobPoolState WaitUntilReady(WaitOptions wait)
    {
        using var wake = wait.Cancellation.Register(Wake);
        lock (_guard)
        {
            while (StateNow == IpcJobPoolState.Starting && !wait.Deadline.HasPassed)
            {
                wait.Cancellation.ThrowIfCancellationRequested();
                // Monitor takes at most so long.
                var left = wait.Deadline.Remaining;
                Monitor.Wait(_guard, left.TotalMilliseconds > int.MaxValue ? Timeout.InfiniteTimeSpan : left);
            }
            return StateNow;
        }
    }

    /// <summary>Starts the children in the background.</summary>
    internal void Start()
    {
        lock (_guard)
        {
            for (var i = 0; i < Size; i++) StartChild();
        }
    }

    /// <summary>Takes a child that is ready, and starts another in its place.</summary>
    /// <returns>Null if none is ready.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.JobFailed"/>: the pool has failed; <see cref="IpcErrors.Removed"/>.</exception>
    internal WarmChild? Take()
    {
        lock (_guard)
        {
            if (_end != IpcJobPoolState.Starting) throw HasEnded();
            while (_ready.First?.Value is { } child)
            {
                _ready.RemoveFirst();
                // If it has just ended, it is replaced when that is noticed.
                if (child.Process.Child.WaitForEnd(Deadline.Immediate)) continue;
                _children.Remove(child);
                _failures = 0;
                StartChild();
                return child;
            }
            return null;
        }
    }

    /// <summary>Why no job can use the pool any more.</summary>
    internal IpcException HasEnded() => State == IpcJobPoolState.Removed
        ? new IpcException(IpcErrors.Removed, $"The pool '{Name}' was removed.", Name)
        : new IpcException(IpcErrors.JobFailed, $"The pool '{Name}' has failed. {Failure}", Name,
            "Correct the reason, remove the pool, and create it again.");

    /// <summary>Whether a child is still one of this pool's: no job has taken it, and the pool has not ended.</summary>
    internal bool Holds(WarmChild child)
    {
        lock (_guard) return _children.Contains(child);
    }

    /// <summary>A child has ended.</summary>
    /// <returns>False if it is a job's.</returns>
    internal bool Drop(WarmChild child)
    {
        lock (_guard)
        {
            _ready.Remove(child);
            return _children.Remove(child) || child.IsEnding;
        }
    }

    /// <summary>A child is ready.</summary>
    internal void OnReady(WarmChild child)
    {
        lock (_guard)
        {
            if (!_children.Contains(child)) return;
            child.ReadySince = Environment.TickCount64;
            _ready.AddLast(child);
            Monitor.PulseAll(_guard);
        }
    }

    /// <summary>A child has ended before a job took it.</summary>
    /// <param name="child">The child.</param>
    /// <param name="reason">How it ended: "was killed by signal KILL."</param>
    /// <param name="isFinal">Whether another one would end in the same way.</param>
    internal void OnEnded(WarmChild child, string reason, bool isFinal)
    {
        lock (_guard)
        {
            if (_end != IpcJobPoolState.Starting) return;
            if (child.ReadySince is { } since && Environment.TickCount64 - since >= LongLife.TotalMilliseconds) _failures = 0;
            // All at once may have been killed: that is not yet a reason.
            if (!isFinal && ++_failures <= Size + 1)
            {
                StartChild();
                return;
            }
            _failure = $"A child of the pool {reason}";
        }
        End(IpcJobPoolState.Failed);
    }

    /// <summary>Ends all children that wait for a job. Returns when they have ended.</summary>
    internal void Remove() => End(IpcJobPoolState.Removed);

    /// <summary>Kills all children that wait for a job, and does not wait: this process ends.</summary>
    internal void Kill()
    {
        lock (_guard)
        {
            foreach (var child in _children) child.Kill();
        }
    }

    private void End(IpcJobPoolState end)
    {
        WarmChild[] children;
        lock (_guard)
        {
            if (_end != IpcJobPoolState.Starting)
            {
                if (end == IpcJobPoolState.Removed) _end = end;
                return;
            }
            _end = end;
            children = [.. _children];
            foreach (var child in children) child.IsEnding = true;
            _children.Clear();
            _ready.Clear();
            Monitor.PulseAll(_guard);
        }
        foreach (var child in children) child.Kill();
        foreach (var child in children) child.End();
    }

    private void StartChild()
    {
        var child = new WarmChild(this);
        _children.Add(child);
        child.Start();
    }

    private void Wake()
    {
        lock (_guard) Monitor.PulseAll(_guard);
    }
}
