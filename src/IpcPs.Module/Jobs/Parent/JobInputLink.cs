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
