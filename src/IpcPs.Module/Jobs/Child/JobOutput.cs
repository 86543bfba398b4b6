using IpcPs.Module.Jobs.Protocol;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Writes the script's output: to the parent with all other streams, or to the job that reads it.</summary>
internal sealed class JobOutput(RecordSender records, CancellationToken stopping) : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly object _guard = new();
    private JobSerializer? _serializer;
    private RedirectMessage? _redirection;
    private IpcChannel? _writer;
    private BufferedSender? _sender;
    private volatile bool _paused;

    /// <summary>Writes an object. Waits while the reader's buffer is full, and between <see cref="Redirect"/> and
    /// <see cref="Proceed"/>.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: the reader has ended.</exception>
    /// <exception cref="OperationCanceledException">The script was stopped.</exception>
    public void Write(object? value)
    {
        lock (_guard)
        {
            while (_paused && !stopping.IsCancellationRequested) Monitor.Wait(_guard);
            stopping.ThrowIfCancellationRequested();
            if (_sender is null) records.Send(JobStreamId.Output, value);
            else _sender.Send(_serializer!.Encode(value, stopping), Objects);
        }
    }

    /// <summary>Opens the transport that gets the output from now on. Nothing is written until <see cref="Proceed"/>.</summary>
    /// <exception cref="IpcException">The transport cannot be opened. Writers keep waiting: stop the script.</exception>
    public void Redirect(RedirectMessage redirection)
    {
        // First of all, and not under the lock, which a busy script holds nearly always: the parent must keep everything that the script
        // still writes.
        _paused = true;
        var writer = redirection.OpenWriter(stopping);
        lock (_guard)
        {
            _redirection = redirection;
            _serializer = new JobSerializer(redirection.IsPrivate);
            _writer = writer;
            _sender = new BufferedSender(writer, stopping);
            records.Send(JobStreamId.Redirected, null);
            records.Flush();
        }
    }

    /// <summary>The next job has the earlier output, so the script may write again.</summary>
    public void Proceed()
    {
        lock (_guard)
        {
            _paused = false;
            Monitor.PulseAll(_guard);
        }
    }

    /// <summary>Wakes a waiting writer, after <c>stopping</c> was cancelled.</summary>
    public void Wake()
    {
        lock (_guard) Monitor.PulseAll(_guard);
    }

    /// <summary>The parent has ended.</summary>
    public void OnParentEnded() => _redirection?.OnParentEnded();

    /// <summary>Sends what is buffered.</summary>
    public void Complete()
    {
        lock (_guard)
        {
            while (_paused && !stopping.IsCancellationRequested) Monitor.Wait(_guard);
            if (!stopping.IsCancellationRequested) _sender?.Flush();
        }
    }

    /// <summary>Waits until the reader has received everything: what is on its way from another host is lost with the connection.</summary>
    public void Deliver()
    {
        if (_writer is not { IsClosed: false } writer) return;
        try
        {
            lock (_guard) _sender!.Flush();
            JobTransport.WaitForReader(writer, stopping);
        }
        catch (Exception e) when (e is OperationCanceledException || (e is IpcException error && JobTransport.IsReaderGone(error)))
        {
            // It wants no more.
        }
    }

    /// <summary>Closes the transport.</summary>
    public void Dispose()
    {
        if (_writer is { IsClosed: false }) _redirection!.CloseWriter(_writer);
        _sender?.Dispose();
    }
}

/// <summary>Sends the records of all streams to the parent, from any thread, in order.</summary>
internal sealed class RecordSender(IpcChannel channel) : IDisposable
{
    private readonly object _guard = new();
    private readonly BufferedSender _sender = new(channel, CancellationToken.None);
    private readonly JobSerializer _serializer = new();

    /// <summary>Sends a record, at once or within a millisecond.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: the parent has ended.</exception>
    public void Send(JobStreamId id, object? record)
    {
        lock (_guard) _sender.Send(_serializer.Encode(record), id.SendOptions());
    }

    /// <summary>Sends what is buffered.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: the parent has ended.</exception>
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
