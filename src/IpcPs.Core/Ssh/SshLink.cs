using IpcPs.Sockets;

namespace IpcPs.Ssh;

/// <summary>A connection that a process on the other host will make to this process, through the socket that ssh forwards. The first
/// message of it is the link's key.</summary>
public sealed class SshLink : IDisposable
{
    private readonly SshConnection _connection;
    private readonly object _guard = new();
    private readonly Action<StreamSocket>? _onArrived;
    private readonly ManualResetEventSlim _arrived = new();
    private StreamSocket? _socket;
    private bool _isClosed;

    internal SshLink(SshConnection connection, string key, Action<StreamSocket>? onArrived)
    {
        _connection = connection;
        _onArrived = onArrived;
        Key = key;
    }

    /// <summary>The text with which the other process opens it: a connection string of the transport Unix.</summary>
    public string FarConnectionString => $"unix:{_connection.FarFolder}/s {Key}";

    internal string Key { get; }

    /// <summary>Waits until the other process has connected.</summary>
    /// <returns>Null if the link was closed before. The caller disposes the socket.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public StreamSocket? Wait(CancellationToken cancellation)
    {
        _arrived.Wait(cancellation);
        lock (_guard) return _socket;
    }

    /// <summary>Closes the connection that was made.</summary>
    public void Close()
    {
        Dispose();
        lock (_guard) _socket?.Dispose();
    }

    /// <summary>Expects the connection no longer. One that was made stays open.</summary>
    public void Dispose()
    {
        _connection.Forget(this);
        lock (_guard) _isClosed = true;
        _arrived.Set();
    }

    internal void Arrive(StreamSocket socket)
    {
        lock (_guard)
        {
            if (_isClosed)
            {
                socket.Dispose();
                return;
            }
            _socket = socket;
        }
        _onArrived?.Invoke(socket);
        _arrived.Set();
    }
}
