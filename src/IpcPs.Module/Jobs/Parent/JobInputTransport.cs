using IpcPs.Module.Jobs.Protocol;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The parent's side of what is piped to a job: the link, and who still writes to it.</summary>
internal sealed class JobInputLink(JobTransportFactory kind, JobTransport link, JobControl control) : IDisposable
{
    private readonly object _guard = new();
    private readonly CancellationTokenSource _closing = new();
    private int _openers;
    private int _sources;
    private int _writers;
    private bool _disposed;

    /// <summary>How another process opens the link to write to it.</summary>
    public RedirectMessage Redirection => new(kind.Name, link.WriterConnectionString);

    /// <summary>Whether the job has ended, so that nobody reads any more.</summary>
    public bool IsClosed => _closing.IsCancellationRequested;

    /// <summary>Announces somebody who writes: this process, or another job. The link stays here to be opened until <see cref="Opened"/>.</summary>
    public void AddSource()
    {
        lock (_guard)
        {
            _openers++;
            _sources++;
        }
    }

    /// <summary>A source needs this process no more to open the link.</summary>
    /// <param name="asWriter">Whether it has opened it.</param>
    public void Opened(bool asWriter)
    {
        lock (_guard)
        {
            if (asWriter) _writers++;
            if (--_openers == 0 && !_disposed) link.ReleaseWriters();
        }
    }

    /// <summary>A source writes no more.</summary>
    public void Ended()
    {
        int writers;
        lock (_guard)
        {
            if (--_sources > 0 || IsClosed) return;
            writers = _writers;
        }
        control.Send(JobStreamId.InputEnded, writers);
    }

    /// <summary>Writes from this process.</summary>
    /// <param name="cancellation">Ends its waits.</param>
    /// <returns>Null where nobody reads any more.</returns>
    public JobInputWriter? OpenWriter(CancellationToken cancellation)
    {
        lock (_guard)
        {
            if (IsClosed) return null;
            try
            {
                var writer = new JobInputWriter(link, cancellation, _closing.Token);
                _writers++;
                return writer;
            }
            catch (IpcException e) when (e.Id == IpcErrors.NoPeer || e.Id == IpcErrors.PeerClosed)
            {
                // The reader has just ended; how, its job will say.
                return null;
            }
        }
    }

    /// <summary>Waits for the end of the job that reads.</summary>
    /// <returns>False where it goes on.</returns>
    public bool WaitUntilClosed(TimeSpan patience) => _closing.Token.WaitHandle.WaitOne(patience);

    /// <summary>The job has ended. What sources may still be told to open stays until <see cref="Dispose"/>, so that its numbers lead nowhere else.</summary>
    public void Close() => _closing.Cancel();

    /// <summary>The sources have ended too.</summary>
    public void Dispose()
    {
        lock (_guard)
        {
            if (_disposed) return;
            _disposed = true;
            _closing.Cancel();
            link.Dispose();
        }
    }
}

/// <summary>Writes objects from this process into a job's input. One per thread.</summary>
internal sealed class JobInputWriter : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly JobTransport _link;
    private readonly IpcChannel _channel;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _either;
    private readonly BufferedSender _sender;
    private readonly JobSerializer _codec = new();

    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.PeerClosed"/>: nobody reads any more.</exception>
    public JobInputWriter(JobTransport link, CancellationToken cancellation, CancellationToken closing)
    {
        _link = link;
        _channel = link.OpenWriter();
        _cancellation = cancellation;
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing);
        _sender = new BufferedSender(_channel, _either.Token);
    }

    /// <summary>Writes an object, now or within a millisecond; waits while the job is behind.</summary>
    /// <returns>False where nobody reads any more.</returns>
    /// <exception cref="OperationCanceledException">The caller was stopped.</exception>
    public bool Write(object? value) => Do(() => _sender.Send(_codec.Encode(value), Objects));

    /// <summary>Sends what was written.</summary>
    /// <returns>False where nobody reads any more.</returns>
    public bool Flush() => Do(_sender.Flush);

    /// <summary>Sends what was written, and waits until nothing that others write from then on can overtake it.</summary>
    /// <returns>False where nobody reads any more.</returns>
    public bool Complete() => Flush() && Do(() => _link.Complete(_channel, _either.Token));

    public void Dispose()
    {
        _either.Cancel();
        _sender.Dispose();
        _link.Close(_channel);
        _either.Dispose();
    }

    private bool Do(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            return false;
        }
        catch (IpcException e) when (e.Id == IpcErrors.PeerClosed || e.Id == IpcErrors.Closed)
        {
            return false;
        }
    }
}
