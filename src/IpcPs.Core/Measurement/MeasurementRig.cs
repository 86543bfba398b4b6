using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Measurement;

/// <summary>The objects of one measurement: what this process uses, and what the peer opens. Closing it removes them.</summary>
internal sealed class MeasurementRig : IDisposable
{
    // 64 KiB less the headers of IP and UDP.
    private const int LargestDatagram = 65507;

    private readonly List<IpcObject> _made = [];
    private readonly List<IpcAddress> _named = [];
    private IpcChannel? _there;
    private IpcChannel? _back;
    private SocketListener? _listener;
    private IpcAddress? _peerListens;

    private MeasurementRig()
    {
    }

    /// <summary>How messages are sent: a stream needs an envelope to keep them apart.</summary>
    public SendOptions Options { get; private set; }

    /// <summary>What the peer opens, as the words of its command.</summary>
    public string PeerOpens { get; private set; } = "";

    /// <summary>The same for messages one way.</summary>
    public string PeerCounts { get; private set; } = "";

    /// <summary>The largest message.</summary>
    public long MaxMessageSize => _there?.MaxMessageSize ?? (_peerListens?.Scheme == IpcScheme.Udp ? LargestDatagram : long.MaxValue);

    /// <summary>Creates the objects of a mechanism.</summary>
    /// <exception cref="IpcException">What creating throws: the machine lacks it, or a limit is reached.</exception>
    public static MeasurementRig Create(MeasuredMechanism mechanism)
    {
        var rig = new MeasurementRig();
        try
        {
            rig.Make(mechanism);
            return rig;
        }
        catch
        {
            rig.Dispose();
            throw;
        }
    }

    /// <summary>The channels of this process, once the peer is ready.</summary>
    /// <param name="peerAddress">Where the peer listens, if it does.</param>
    /// <param name="wait">How long to wait for its connection.</param>
    public (IpcChannel Send, IpcChannel Receive) Connect(string peerAddress, in WaitOptions wait)
    {
        if (_there is not null) return (_there, _back!);
        var channel = _listener is not null ? _listener.Accept(wait)
            : (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(peerAddress), default, wait);
        return (channel, channel);
    }

    /// <summary>Ends one load: a connection is not used for the next.</summary>
    public void Disconnect(IpcChannel channel)
    {
        if (_there is null) channel.Dispose();
    }

    public void Dispose()
    {
        foreach (var made in _made) made.Dispose();
        foreach (var address in _named)
        {
            try
            {
                IpcMechanisms.For(address.Scheme).Remove(address);
            }
            catch (IpcException e) when (e.Id == IpcErrors.NotFound || e.Id == IpcErrors.Removed)
            {
                // A ring is removed when it is closed.
            }
        }
    }

    private void Make(MeasuredMechanism mechanism)
    {
        Options = new SendOptions { Format = IpcFormat.Bytes };
        switch (mechanism)
        {
            case MeasuredMechanism.Pipe:
                Options = new SendOptions { Framed = true };
                var pipe = Keep(DuplexPipe.Create());
                (_there, _back) = (pipe.Near, pipe.Near);
                (PeerOpens, PeerCounts) = ($"{pipe.Far.Address} {pipe.Far.Address}", $"{pipe.Far.Address}");
                break;
            case MeasuredMechanism.Fifo:
                Options = new SendOptions { Framed = true };
                Both(() => Named("fifo:", a => NamedPipe.Create(a)));
                // The peer can open the other one only when this process reads it.
                _back = Keep((IpcChannel)IpcMechanisms.Open(_back!.Address, new OpenOptions { Access = IpcAccess.Read }));
                break;
            case MeasuredMechanism.Mq:
                Both(() => Named("mq:/", a => PosixQueue.Create(a)));
                break;
            case MeasuredMechanism.SysVMq:
                Both(() =>
                {
                    var queue = Keep(SysVQueue.Create());
                    _named.Add(queue.Address);
                    return queue;
                });
                break;
            case MeasuredMechanism.Ring:
                Options = default;
                Both(() => Named("ring:/", a => MessageRing.Create(a)));
                break;
            case MeasuredMechanism.Unix or MeasuredMechanism.SeqPacket or MeasuredMechanism.Tcp:
                if (mechanism != MeasuredMechanism.SeqPacket) Options = new SendOptions { Framed = true };
                _listener = Keep((SocketListener)IpcSocket.Listen(IpcAddress.Parse(mechanism == MeasuredMechanism.Tcp ? "tcp:127.0.0.1:0"
                    : Abstract() + (mechanism == MeasuredMechanism.SeqPacket ? "?type=seqpacket" : ""))));
                (PeerOpens, PeerCounts) = ($"{_listener.Address} {_listener.Address}", $"{_listener.Address}");
                break;
            default:
                _peerListens = IpcAddress.Parse(mechanism == MeasuredMechanism.Udp ? "udp:127.0.0.1:0" : Abstract() + "?type=datagram");
                (PeerOpens, PeerCounts) = ($"listen {_peerListens}", $"listen {_peerListens}");
                break;
        }
    }

    private void Both(Func<IpcChannel> make)
    {
        _there = make();
        _back = make();
        (PeerOpens, PeerCounts) = ($"{_there.Address} {_back.Address}", $"{_there.Address}");
    }

    private T Named<T>(string prefix, Func<IpcAddress, T> create)
        where T : IpcObject
    {
        var made = Keep(create(IpcAddress.Parse($"{prefix}ipcps-measure-{Guid.NewGuid():n}")));
        _named.Add(made.Address);
        return made;
    }

    private static string Abstract() => $"unix:@ipcps-measure-{Guid.NewGuid():n}";

    private T Keep<T>(T made)
        where T : IpcObject
    {
        _made.Add(made);
        return made;
    }
}
