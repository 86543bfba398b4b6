using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Sockets;
using IpcPs.Transports;

namespace IpcPs.Ssh;

/// <summary>The input of a job on another host: a Unix socket there, on which the job listens, and one here, whose connections ssh forwards
/// to it. To the processes on either side it is a transport of the kind Unix.</summary>
public sealed class SshInput : JobTransport
{
    private readonly SshConnection _connection;
    private readonly string _name;
    private readonly string _key = SocketTransport.NewKey();
    private readonly object _guard = new();
    private readonly List<Action> _waiting = [];
    private bool _isReady;
    private bool _isForwarded;

    /// <summary>An input on the host of a connection. Writers wait for <see cref="OnListening"/>.</summary>
    public SshInput(SshConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _connection = connection;
        _name = connection.NewName();
    }

    /// <summary>How the processes open it: as any transport through Unix sockets.</summary>
    public static JobTransportFactory Factory => IpcMechanisms.Transport("Unix");

    /// <inheritdoc/>
    public override string WriterConnectionString => $"unix:{_connection.NearPath(_name)} {_key}";

    /// <inheritdoc/>
    public override string ReaderConnectionString => $"unix:{_connection.FarFolder}/{_name} {_key}";

    /// <summary>How a process on a host opens its end of a transport that another job reads, which is an input on a host.</summary>
    /// <param name="connection">The connection to the writer's host.</param>
    /// <param name="connectionString">The writer's connection string on this machine.</param>
    /// <param name="undo">Ends what was done for it; null for nothing.</param>
    /// <returns>Null if it is no such transport.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.ForwardingRefused"/>, <see cref="IpcErrors.ConnectionLost"/>.</exception>
    public static string? ForwardFrom(SshConnection connection, string connectionString, out Action? undo)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(connectionString);
        undo = null;
        if (SshHost.Find(connectionString) is not var (reader, name)) return null;
        var key = connectionString[(connectionString.IndexOf(' ') + 1)..];
        // The same login: the sockets are in the same folder.
        if (reader == connection) return $"unix:{connection.FarFolder}/{name} {key}";
        var (here, there) = (reader.NearPath(name), connection.NewName());
        connection.ForwardFromFar(there, here);
        undo = () => connection.CancelFromFar(there, here);
        return $"unix:{connection.FarFolder}/{there} {key}";
    }

    /// <inheritdoc/>
    public override JobTransportReader OpenOwnReader(CancellationToken cancellation) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override IpcChannel OpenWriter() => Factory.OpenWriter(WriterConnectionString, CancellationToken.None);

    /// <inheritdoc/>
    public override void Complete(IpcChannel writer, CancellationToken cancellation) => WaitForReader(writer, cancellation);

    /// <inheritdoc/>
    public override void Close(IpcChannel writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Dispose();
    }

    /// <inheritdoc/>
    public override void WhenReady(Action then)
    {
        ArgumentNullException.ThrowIfNull(then);
        lock (_guard)
        {
            if (!_isReady)
            {
                _waiting.Add(then);
                return;
            }
        }
        then();
    }

    /// <summary>The job listens: writers can connect.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.ForwardingRefused"/>, <see cref="IpcErrors.ConnectionLost"/>.</exception>
    public void OnListening()
    {
        lock (_guard)
        {
            if (_isReady) return;
            _isForwarded = true;
        }
        _connection.ForwardToFar(_connection.NearPath(_name), _name);
        Release();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        // What still waits finds no socket.
        Release();
        if (_isForwarded) _connection.CancelToFar(_connection.NearPath(_name), _name);
        _connection.RemoveFar(_name);
    }

    private void Release()
    {
        Action[] waiting;
        lock (_guard)
        {
            _isReady = true;
            waiting = [.. _waiting];
            _waiting.Clear();
        }
        foreach (var then in waiting) then();
    }
}
