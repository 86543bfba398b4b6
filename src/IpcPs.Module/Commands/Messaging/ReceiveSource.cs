using IpcPs.Brokers;
using IpcPs.Module.Transformation;
using IpcPs.Readiness;

namespace IpcPs.Module.Commands.Messaging;

/// <summary>Receives from one channel, or from the first of several that has a message.</summary>
internal sealed class ReceiveSource : IDisposable
{
    private readonly List<IpcLease<IpcChannel>> _leases;
    private readonly List<IpcChannel> _open;
    private readonly List<ReadinessWatch> _watches = [];
    private int _next;

    private ReceiveSource(int channels) => (_leases, _open) = (new(channels), new(channels));

    /// <summary>Whether a channel was opened for this call only.</summary>
    public bool IsOwned => _leases.Exists(static l => l.IsOwned);

    /// <summary>The channels that have not ended.</summary>
    public IReadOnlyList<IpcChannel> Channels => _open;

    /// <summary>Messages of which only a part was received.</summary>
    public long Abandoned
    {
        get
        {
            long abandoned = 0;
            foreach (var lease in _leases) abandoned += lease.Object is StreamChannel stream ? stream.AbandonedMessages : 0;
            return abandoned;
        }
    }

    public static ReceiveSource Open(IpcTarget[] targets, in WaitOptions wait)
    {
        var source = new ReceiveSource(targets.Length);
        try
        {
            foreach (var target in targets)
            {
                source._leases.Add(target.Lease<IpcChannel>(IpcAccess.Read, wait));
                source._open.Add(source._leases[^1].Object);
            }
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Receives one message.</summary>
    /// <returns>Where it came from; null when all the channels have ended.</returns>
    public IpcChannel? Receive(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        while (_open.Count > 1)
        {
            if (TakeReady(message, options, wait.Cancellation) is { } ready) return ready;
            if (_open.Count > 1) WaitForAny(options, wait);
        }
        return _open.Count == 1 && _open[0].Receive(message, options, wait) ? _open[0] : null;
    }

    /// <summary>Returns what the channels have fetched ahead, also those that have ended.</summary>
    public void ReturnAhead()
    {
        foreach (var lease in _leases) lease.Object.ReturnAhead();
    }

    private void WaitForAny(in ReceiveOptions options, in WaitOptions wait)
    {
        // Once: the watch of some mechanisms has a thread.
        if (_watches.Count == 0)
        {
            var what = new ReadinessOptions { Type = options.Type, ExceptType = options.ExceptType };
            foreach (var channel in _open) _watches.Add(channel.CreateWatch(what));
        }
        if (ReadinessWaiter.UntilAny(_watches, out _, wait) >= 0) return;
        throw IpcException.TimedOut(
            $"a message on any of {_open.Count} channels", _open[0].Address.Text, wait.Deadline, IpcErrors.Empty);
    }

    public void Dispose()
    {
        foreach (var watch in _watches) watch.Dispose();
        foreach (var lease in _leases) lease.Dispose();
    }

    // Begins after the last served channel, so that a busy one does not starve the others.
    private IpcChannel? TakeReady(MessageBuffer message, in ReceiveOptions options, CancellationToken cancellation)
    {
        for (var tried = 0; tried < _open.Count; tried++)
        {
            var index = (_next + tried) % _open.Count;
            var channel = _open[index];
            try
            {
                if (channel.Receive(message, options, new(Deadline.Immediate, cancellation)))
                {
                    _next = index + 1;
                    return channel;
                }
                _open.RemoveAt(index);
                if (_watches.Count > 0)
                {
                    _watches[index].Dispose();
                    _watches.RemoveAt(index);
                }
                return _open.Count > 1 ? TakeReady(message, options, cancellation) : null;
            }
            catch (IpcException e) when (e.Id == IpcErrors.Empty || (e.Id == IpcErrors.NoPeer && channel is IBrokerQueue))
            {
                // Nothing here now, or its broker cannot be reached now.
            }
        }
        return null;
    }
}
