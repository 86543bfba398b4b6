namespace IpcPs.Module.Jobs.Protocol;

/// <summary>The child's sending side: records of any lane, from any thread, in the order in which they come.</summary>
internal sealed class RecordSender(IpcChannel channel) : IDisposable
{
    private readonly object _guard = new();
    private readonly BufferedSender _sender = new(channel, CancellationToken.None);
    private readonly JobSerializer _codec = new();

    /// <summary>How a message of a lane is sent.</summary>
    public static SendOptions In(JobStreamId lane) => new() { Format = IpcFormat.Object, StreamId = (byte)lane };

    /// <summary>Sends a record, now or within a millisecond.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PeerClosed"/>: the parent is gone.</exception>
    public void Send(JobStreamId lane, object? record)
    {
        lock (_guard) _sender.Send(_codec.Encode(record), In(lane));
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
