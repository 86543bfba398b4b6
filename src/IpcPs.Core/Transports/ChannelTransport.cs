using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Rings;

namespace IpcPs.Transports;

/// <summary>Carries a job's input through a channel that exists and that other programs use too. What comes through it is received,
/// from any sender and in any format. The channel is never removed: what the reader has not received stays there.</summary>
/// <remarks>When the writers that the parent knows have ended, the reader receives what is there and ends. Without such writers it ends
/// with the channel: when the last writer of a pipe or ring has closed it, when the peer of a socket has closed, or when a queue is
/// removed.</remarks>
public sealed class ChannelTransportFactory : JobTransportFactory
{
    private readonly IpcAddress _address;
    private readonly IpcObject? _opened;
    private readonly bool _hasWriters;

    /// <summary>A transport through the channel at an address.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="opened">The channel, if this process has it open. The caller keeps and closes it.</param>
    /// <param name="hasWriters">Whether the parent or its other children write to it.</param>
    public ChannelTransportFactory(IpcAddress address, IpcObject? opened = null, bool hasWriters = true)
    {
        ArgumentNullException.ThrowIfNull(address);
        _address = address;
        _opened = opened;
        _hasWriters = hasWriters;
    }

    /// <inheritdoc/>
    public override string Name => _address.Text;

    /// <summary>Checks that a job can read from the channel and, if it has writers, that they can write to it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>;
    /// <see cref="IpcErrors.WrongKind"/>: it carries no messages; <see cref="IpcErrors.NotSupported"/>: what is written to it would not
    /// reach the reader.</exception>
    public override JobTransport Create() => new ChannelTransport(_address, _opened, _hasWriters);

    /// <inheritdoc/>
    public override IpcChannel OpenWriter(string connectionString, CancellationToken cancellation) =>
        ChannelTransport.OpenWriter(_address, cancellation);

    /// <inheritdoc/>
    public override JobTransportReader OpenReader(string connectionString, IReadOnlyList<int> descriptors, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        var channel = descriptors.Count == 0 ? ChannelTransport.Open(_address, IpcAccess.Read)
            : ChannelTransport.IsPipe(_address) ? InheritedObjects.OpenPipe(descriptors[0], -1)
            : (IpcChannel)InheritedObjects.Open(descriptors);
        return ChannelTransport.Reader(channel, ownsChannel: true, cancellation);
    }
}

internal sealed class ChannelTransport : JobTransport
{
    private readonly IpcAddress _address;
    // A socket is passed on as it is. Other channels are opened by their address.
    private readonly IpcChannel? _socket;
    // A pipe's reading end, which the reader inherits: so writers can open a named pipe at once, and this process may close an anonymous
    // one. And a writing end, so that the reader finds no end of the stream before the writers have opened theirs.
    private readonly StreamChannel? _reading;
    private readonly SafeDescriptor? _keeper;
    private readonly IpcChannel? _held;
    private IpcChannel? _writer;

    public ChannelTransport(IpcAddress address, IpcObject? opened, bool hasWriters)
    {
        _address = address;
        if (opened is { IsClosed: true }) throw new IpcException(IpcErrors.Closed, $"'{address}' was closed.", address.Text);
        if (opened is not (null or IpcChannel)) throw WrongKind(opened);
        if (address.Scheme is IpcScheme.Unix or IpcScheme.Tcp or IpcScheme.Udp or IpcScheme.Fd)
        {
            if (hasWriters) throw WrongWay();
            if (opened is null && (address.Scheme is IpcScheme.Udp or IpcScheme.Fd || address.SocketType == IpcSocketType.Datagram))
                throw OnlyAsObject();
            _socket = (IpcChannel?)opened;
            return;
        }
        if (address.IsTopic && hasWriters) throw Broadcast();
        if (!hasWriters && address.Scheme != IpcScheme.Pipe)
        {
            // A ring, or a named pipe, has no reader by that. A ring may need a process that has it open until the job does.
            _held = Open(address, address.Scheme == IpcScheme.Mq ? IpcAccess.Read : IpcAccess.Default);
            return;
        }
        if (!IsPipe(address))
        {
            _writer = Open(address, IpcAccess.Write);
            if (_writer is not MessageRing { Delivery: not RingDelivery.Queue }) return;
            _writer.Dispose();
            throw Broadcast();
        }
        if (hasWriters && address.WriteDescriptor >= 0) throw WrongWay();
        _reading = (StreamChannel)Open(address, IpcAccess.Read);
        if (!hasWriters) return;
        try
        {
            _keeper = PipeIO.Reopen(0, _reading.ReaderDescriptor(default).Number, Libc.O_WRONLY, address);
        }
        catch
        {
            _reading.Dispose();
            throw;
        }
    }

    public override string WriterConnectionString => _address.Text;

    public override string ReaderConnectionString => _address.Text;

    public override IReadOnlyList<SafeDescriptor> ReaderDescriptors => _reading is not null ? [_reading.ReaderDescriptor(default)]
        : _socket is not null ? InheritedObjects.DescriptorsOf(_socket) : [];

    public static bool IsPipe(IpcAddress address) => address.Scheme is IpcScheme.Pipe or IpcScheme.Fifo;

    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>: the reader of a named pipe has ended.</exception>
    public static IpcChannel OpenWriter(IpcAddress address, CancellationToken cancellation)
    {
        if (address.Scheme != IpcScheme.Fifo) return Open(address, IpcAccess.Write);
        IpcChannel? writer = null;
        // It must not wait for the next reader, as an open for writing does, but for another writer's long line.
        PollWithBackoff.Until(() => (writer = TryOpenWriter(address)) is not null, address.Text, cancellation);
        return writer!;
    }

    public static IpcChannel Open(IpcAddress address, IpcAccess access, in WaitOptions wait = default)
    {
        var opened = IpcMechanisms.Open(address, new OpenOptions { Access = access }, wait);
        if (opened is IpcChannel channel) return channel;
        opened.Dispose();
        throw WrongKind(opened);
    }

    public static JobTransportReader Reader(IpcChannel channel, bool ownsChannel, CancellationToken cancellation) =>
        new DrainingTransportReader(channel, new ReceiveOptions { Ahead = ReceiveOptions.ManyAhead }, ownsChannel, cancellation);

    public override JobTransportReader OpenOwnReader(CancellationToken cancellation)
    {
        var own = _reading ?? _socket;
        return Reader(own ?? Open(_address, IpcAccess.Read), ownsChannel: own is null || own == _reading, cancellation);
    }

    public override IpcChannel OpenWriter() => _writer ??= OpenWriter(_address, CancellationToken.None);

    public override void ReleaseReader() => _reading?.Dispose();

    public override void ReleaseWriters()
    {
        _keeper?.Dispose();
        if (_keeper is not null) _writer?.Dispose();
        // It stays attached, because a ring and its messages may end with the last process that is.
        else if (_writer is MessageRing { CanSend: true } ring) ring.CompleteSending();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _reading?.Dispose();
        _keeper?.Dispose();
        _writer?.Dispose();
        _held?.Dispose();
    }

    private static IpcChannel? TryOpenWriter(IpcAddress address)
    {
        try
        {
            return Open(address, IpcAccess.Write, Deadline.Immediate);
        }
        catch (IpcException e) when (e.Id == IpcErrors.Full)
        {
            return null;
        }
    }

    private static IpcException WrongKind(IpcObject opened) =>
        new(IpcErrors.WrongKind, $"'{opened.Address}' ({opened.Kind}) carries no messages to a job.", opened.Address.Text,
            opened is DuplexPipe ? "Use its .Near or .Far end." : null);

    private IpcException WrongWay() =>
        new(IpcErrors.NotSupported, $"What is sent to '{_address}' goes to its peer, not to the job.", _address.Text,
            "Without piped input the job receives what the peer sends.");

    private IpcException OnlyAsObject() =>
        new(IpcErrors.NotSupported, $"A job can't receive from '{_address}': as a client that sends nothing, it would get nothing.",
            _address.Text, "Pass the object that receives, for example the listener.");

    private IpcException Broadcast() =>
        new(IpcErrors.NotSupported, $"'{_address}' is a broadcast: it reaches only readers that are attached, and the job is not yet.",
            _address.Text, "Use a queue, or a ring whose messages have one reader; or send to it after the job has begun.");
}
