using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Sockets;
using IpcPs.Transports;

namespace IpcPs.Ssh;

/// <summary>The output of a job on another host into a transport of this machine: what comes through ssh's socket is moved there as it is,
/// on a thread of its own.</summary>
public sealed class SshOutput : IDisposable
{
    private readonly SshLink _link;
    private readonly TransportRelay _relay;
    private readonly CancellationTokenSource _cancelled = new();
    private readonly ManualResetEventSlim _opened = new();
    private readonly ManualResetEventSlim _ended = new();

    /// <summary>Opens the transport, and begins to wait for the job.</summary>
    /// <param name="connection">The connection to the job's host.</param>
    /// <param name="into">The kind of the transport.</param>
    /// <param name="writerConnectionString">How its writing end is opened here.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no thread is left.</exception>
    public SshOutput(SshConnection connection, string into, string writerConnectionString)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _link = connection.Expect();
        _relay = new TransportRelay(new Arriving(_link), "", IpcMechanisms.Transport(into), writerConnectionString, _opened.Set, OnEnded,
            _cancelled.Token);
        // From now on the transport's creator may release it.
        _opened.Wait();
    }

    /// <summary>How the job's process opens its end.</summary>
    public string FarConnectionString => _link.FarConnectionString;

    /// <summary>Why not everything was moved; null as long as nothing is known.</summary>
    public IpcException? Error { get; private set; }

    /// <summary>The job's process has ended. Waits until all that it has written was moved.</summary>
    public void Complete()
    {
        _link.Dispose();
        _relay.Release();
        _ended.Wait();
    }

    /// <summary>Ends it, also in the middle, and does not wait.</summary>
    public void Cancel() => _cancelled.Cancel();

    /// <summary>Ends it, also in the middle.</summary>
    public void Dispose()
    {
        _link.Dispose();
        _relay.Dispose();
        _opened.Dispose();
        _ended.Dispose();
    }

    private void OnEnded(IpcException? error)
    {
        Error = error;
        _opened.Set();
        _ended.Set();
    }

    /// <summary>A transport whose reading end waits for its only writer.</summary>
    private sealed class Arriving(SshLink link) : JobTransportFactory
    {
        public override string Name => "Ssh";

        public override JobTransport Create() => throw new NotSupportedException();

        public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) => throw new NotSupportedException();

        public override JobTransportReader OpenReader(string connectionString, IReadOnlyList<int> descriptors,
            CancellationToken cancellation) => new Reader(link, cancellation);
    }

    private sealed class Reader(SshLink link, CancellationToken cancellation) : JobTransportReader
    {
        private StreamSocket? _socket;
        private ChannelTransportReader? _reader;

        public override bool Receive(MessageBuffer message)
        {
            if (_reader is null)
            {
                if (link.Wait(cancellation) is not { } socket) return false;
                _socket = socket;
                _reader = new ChannelTransportReader(socket, cancellation);
            }
            return _reader.Receive(message);
        }

        protected override void Dispose(bool disposing)
        {
            if (!disposing) return;
            _reader?.Dispose();
            _socket?.Dispose();
        }
    }
}
