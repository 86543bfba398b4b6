using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Where the script's output objects go: to the parent with all other streams, until the parent says that another job reads them.</summary>
internal sealed class JobOutput(RecordSender records, CancellationToken stopping) : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly object _guard = new();
    private readonly JobSerializer _codec = new();
    private RedirectMessage? _redirection;
    private IpcChannel? _link;
    private BufferedSender? _sender;
    private volatile bool _paused;

    /// <summary>Writes one object; waits while the reader is behind.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: nobody reads any more.</exception>
    /// <exception cref="OperationCanceledException">The script is to end.</exception>
    public void Write(object? value)
    {
        lock (_guard)
        {
            while (_paused && !stopping.IsCancellationRequested) Monitor.Wait(_guard);
            stopping.ThrowIfCancellationRequested();
            if (_sender is null) records.Send(JobStreamId.Output, value);
            else _sender.Send(_codec.Encode(value), Objects);
        }
    }

    /// <summary>Opens the link that the output goes to from now on, and holds it back until <see cref="Proceed"/>.</summary>
    /// <exception cref="IpcException">The link cannot be opened; the output stays held back, for the script to be stopped.</exception>
    public void Redirect(RedirectMessage redirection)
    {
        // Before anything that takes its time, and not under the lock, which a busy script gives back for moments only: what it writes until then, the parent has to keep.
        _paused = true;
        var link = redirection.OpenWriter(stopping);
        lock (_guard)
        {
            _redirection = redirection;
            _link = link;
            _sender = new BufferedSender(link, stopping);
            records.Send(JobStreamId.Redirected, null);
            records.Flush();
        }
    }

    /// <summary>What was sent before has been handed on.</summary>
    public void Proceed()
    {
        lock (_guard)
        {
            _paused = false;
            Monitor.PulseAll(_guard);
        }
    }

    /// <summary>Wakes a writer that is held back, after <c>stopping</c> was cancelled.</summary>
    public void Wake()
    {
        lock (_guard) Monitor.PulseAll(_guard);
    }

    /// <summary>Sends what is pending.</summary>
    public void Complete()
    {
        lock (_guard)
        {
            while (_paused && !stopping.IsCancellationRequested) Monitor.Wait(_guard);
            if (!stopping.IsCancellationRequested) _sender?.Flush();
        }
    }

    /// <summary>Closes the link.</summary>
    public void Dispose()
    {
        if (_link is { IsClosed: false }) _redirection!.CloseWriter(_link);
        _sender?.Dispose();
    }
}

/// <summary>The child's sending side: records of any lane, from any thread, in the order in which they come.</summary>
internal sealed class RecordSender(IpcChannel channel) : IDisposable
{
    private readonly object _guard = new();
    private readonly BufferedSender _sender = new(channel, CancellationToken.None);
    private readonly JobSerializer _codec = new();

    /// <summary>Sends a record, now or within a millisecond.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: the parent is gone.</exception>
    public void Send(JobStreamId lane, object? record)
    {
        lock (_guard) _sender.Send(_codec.Encode(record), lane.SendOptions());
    }

    /// <summary>Sends what is pending.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: the parent is gone.</exception>
    public void Flush()
    {
        lock (_guard) _sender.Flush();
    }

    /// <summary>Ends the delayed flush and closes the pipe.</summary>
    public void Dispose()
    {
        channel.Dispose();
        _sender.Dispose();
    }
}
