using IpcPs.Mechanisms;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>The broadcasts that a job reads, in the process that reads its input: the job's child, or the parent of workers. Their objects
/// are written to the job's input, which may have other sources.</summary>
/// <param name="answer">Gets the answer to each message, on any thread.</param>
/// <param name="cancellation">Ends all of it.</param>
internal sealed class AttachedBroadcasts(Action<AttachedMessage> answer, CancellationToken cancellation) : IDisposable
{
    private readonly List<TransportRelay> _relays = [];
    private int _running;
    private Action? _whenMoved;
    private bool _isDisposed;

    /// <summary>Begins to read a broadcast.</summary>
    public void Attach(AttachMessage message)
    {
        var (broadcast, input) = message;
        lock (_relays)
        {
            if (_isDisposed) return;
            _running++;
            _relays.Add(new TransportRelay(
                IpcMechanisms.Transport(broadcast.Transport), broadcast.ConnectionString,
                IpcMechanisms.Transport(input.Transport), input.ConnectionString,
                () => answer(new(broadcast.ConnectionString, null)), e => OnEnded(broadcast, e), cancellation));
        }
    }

    /// <summary>All sources of the input have ended.</summary>
    /// <param name="then">Runs, on any thread, when all of their objects are in the input.</param>
    public void Release(Action then)
    {
        lock (_relays)
        {
            foreach (var relay in _isDisposed ? [] : _relays) relay.Release();
            if (_running > 0)
            {
                _whenMoved = then;
                return;
            }
        }
        then();
    }

    /// <summary>The job reads no more.</summary>
    public void Dispose()
    {
        lock (_relays)
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }
        // Not under the lock, which a relay needs to end. No more are added.
        foreach (var relay in _relays) relay.Dispose();
    }

    private void OnEnded(RedirectMessage broadcast, IpcException? error)
    {
        if (error is not null) answer(new(broadcast.ConnectionString, error.Message));
        Action? then = null;
        lock (_relays)
        {
            if (--_running == 0) then = _whenMoved;
        }
        then?.Invoke();
    }
}
