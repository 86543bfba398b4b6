using IpcPs.Mechanisms;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Transformation;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The parent's side of a job's input: the transport, and the sources that still write to it. A source is this process or another
/// job's child.</summary>
/// <param name="factory">The transport's kind.</param>
/// <param name="transport">The transport.</param>
/// <param name="onEnd">Called when the last source has ended, with the number of writers that opened the transport.</param>
internal sealed class JobInputTransport(JobTransportFactory factory, JobTransport transport, Action<int> onEnd) : IDisposable
{
    private readonly object _guard = new();
    private readonly CancellationTokenSource _closing = new();
    private int _openers;
    private int _sources;
    private int _writers;
    private bool _disposed;

    /// <summary>What -Via stands for: a transport between processes, or a channel that exists.</summary>
    /// <param name="via">The name of a transport, the address of a channel, or a channel.</param>
    /// <param name="isPiped">Whether something is piped to the job.</param>
    /// <returns>Null if the job has no input.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: no transport has that name, also if nothing is piped;
    /// <see cref="IpcErrors.InvalidAddress"/>.</exception>
    public static JobTransportFactory? Factory(IpcTarget via, bool isPiped)
    {
        var text = via.ToString();
        if (via.Object is not null || text.Contains(':', StringComparison.Ordinal))
            return new ChannelTransportFactory(via.Address, via.Object, isPiped);
        var named = IpcMechanisms.Transport(text);
        return isPiped ? named : null;
    }

    /// <summary>How another process opens the transport to write to it.</summary>
    public RedirectMessage Redirection => new(factory.Name, transport.WriterConnectionString);

    /// <summary>Whether the job has ended and reads no more.</summary>
    public bool IsClosed => _closing.IsCancellationRequested;

    /// <summary>Registers a source. The transport can be opened until each source has called <see cref="OnSourceOpened"/>.</summary>
    public void AddSource()
    {
        lock (_guard)
        {
            _openers++;
            _sources++;
        }
    }

    /// <summary>A source has opened the transport, or does not need to any more.</summary>
    /// <param name="asWriter">Whether another process has opened it.</param>
    public void OnSourceOpened(bool asWriter)
    {
        lock (_guard)
        {
            if (asWriter) _writers++;
            if (--_openers == 0 && !_disposed) transport.ReleaseWriters();
        }
    }

    /// <summary>A source writes no more.</summary>
    public void OnSourceEnded()
    {
        int writers;
        lock (_guard)
        {
            if (--_sources > 0 || IsClosed) return;
            writers = _writers;
        }
        onEnd(writers);
    }

    /// <summary>Calls an action when writers can open the transport, at once or on any thread. See
    /// <see cref="JobTransport.WhenReady"/>.</summary>
    public void WhenReady(Action then) => transport.WhenReady(then);

    /// <summary>Opens a writing end for this process. Waits until that is possible.</summary>
    /// <param name="cancellation">Ends its waits.</param>
    /// <returns>Null if the job has ended.</returns>
    public JobInputWriter? OpenWriter(CancellationToken cancellation)
    {
        if (!WaitUntilReady(cancellation)) return null;
        lock (_guard)
        {
            if (IsClosed) return null;
            try
            {
                var writer = new JobInputWriter(transport, factory.IsPrivate, cancellation, _closing.Token);
                _writers++;
                return writer;
            }
            catch (IpcException e) when (e.Id == IpcErrors.NoPeer || JobTransport.IsReaderGone(e))
            {
                // The reader has just ended. Its own job reports how.
                return null;
            }
        }
    }

    private bool WaitUntilReady(CancellationToken cancellation)
    {
        // Not a semaphore that is disposed: the action may come later.
        var ready = new TaskCompletionSource();
        transport.WhenReady(() => ready.TrySetResult());
        if (ready.Task.IsCompleted) return true;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token);
        try
        {
            ready.Task.Wait(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Waits for the end of the job that reads.</summary>
    /// <returns>False if the time passes first.</returns>
    public bool WaitUntilClosed(TimeSpan timeout) => _closing.Token.WaitHandle.WaitOne(timeout);

    /// <summary>The job has ended. The transport stays open until <see cref="Dispose"/>: a source may still get its connection string, and
    /// the descriptor numbers in it must not lead to another object.</summary>
    public void Close() => _closing.Cancel();

    /// <summary>The sources have ended too.</summary>
    public void Dispose()
    {
        lock (_guard)
        {
            if (_disposed) return;
            _disposed = true;
            _closing.Cancel();
            transport.Dispose();
        }
    }
}

/// <summary>Writes objects from this process into a job's input. One for each thread.</summary>
internal sealed class JobInputWriter : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly JobTransport _transport;
    private readonly IpcChannel _channel;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _either;
    private readonly BufferedSender _sender;
    private readonly JobSerializer _serializer;

    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.PeerClosed"/>: the reader has ended.</exception>
    public JobInputWriter(JobTransport transport, bool isPrivate, CancellationToken cancellation, CancellationToken closing)
    {
        _transport = transport;
        _channel = transport.OpenWriter();
        _serializer = new JobSerializer(isPrivate);
        _cancellation = cancellation;
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing);
        _sender = new BufferedSender(_channel, _either.Token);
    }

    /// <summary>Writes an object, at once or within a millisecond. Waits while the transport has no buffer space.</summary>
    /// <returns>False if the reader has ended.</returns>
    /// <exception cref="OperationCanceledException">The caller was stopped.</exception>
    public bool Write(object? value) => Try(() => _sender.Send(_serializer.Encode(value, _either.Token), Objects));

    /// <summary>Sends what is buffered.</summary>
    /// <returns>False if the reader has ended.</returns>
    public bool Flush() => Try(_sender.Flush);

    /// <summary>Sends what is buffered, and waits until objects that others write from then on cannot overtake it.</summary>
    /// <returns>False if the reader has ended.</returns>
    public bool Complete() => Flush() && Try(() => _transport.Complete(_channel, _either.Token));

    public void Dispose()
    {
        _either.Cancel();
        _sender.Dispose();
        _transport.Close(_channel);
        _either.Dispose();
    }

    private bool Try(Action action)
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
        catch (IpcException e) when (JobTransport.IsReaderGone(e) || e.Id == IpcErrors.Closed)
        {
            return false;
        }
    }
}
