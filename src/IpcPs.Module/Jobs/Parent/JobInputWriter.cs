using IpcPs.Module.Jobs.Protocol;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

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
