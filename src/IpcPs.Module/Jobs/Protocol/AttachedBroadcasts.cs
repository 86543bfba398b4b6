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
    private bool _isDisposed;

    /// <summary>Begins to read a broadcast.</summary>
    public void Attach(AttachMessage message)
    {
        var (broadcast, input) = message;
        lock (_relays)
        {
            if (_isDisposed) return;
            _relays.Add(new TransportRelay(
                IpcMechanisms.Transport(broadcast.Transport), broadcast.ConnectionString,
                IpcMechanisms.Transport(input.Transport), input.ConnectionString,
                () => answer(new(broadcast.ConnectionString, null)), e => answer(new(broadcast.ConnectionString, e.Message)), cancellation));
        }
    }

    /// <summary>All sources of the input have ended.</summary>
    public void Release()
    {
        lock (_relays)
        {
            foreach (var relay in _relays) relay.Release();
        }
    }

    /// <summary>The job reads no more.</summary>
    public void Dispose()
    {
        lock (_relays)
        {
            _isDisposed = true;
            foreach (var relay in _relays) relay.Dispose();
            _relays.Clear();
        }
    }
}
