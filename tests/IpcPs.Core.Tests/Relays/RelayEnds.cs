using IpcPs.Pipes;
using IpcPs.Rings;
using IpcPs.Tests.Queues;
using IpcPs.Tests.Sockets;

namespace IpcPs.Tests.Relays;

/// <summary>A sending and a receiving end of one mechanism.</summary>
internal sealed class RelayEnds : IDisposable
{
    public static readonly string[] Kinds = ["pipe", "fifo", "stream", "tcp", "seqpacket", "datagram", "mq", "sysvmq", "ring"];

    private readonly SocketPlace _place = new();

    public RelayEnds(string kind)
    {
        switch (kind)
        {
            case "pipe":
                var pipe = _place.Keep(AnonymousPipe.Create());
                (Sender, Receiver) = (pipe.Writer, pipe.Reader);
                break;
            case "fifo":
                var name = IpcAddress.Parse($"fifo:{_place.Folder}/fifo");
                NamedPipe.Create(name).Dispose();
                Receiver = _place.Keep(NamedPipe.Open(name, IpcAccess.Read));
                Sender = _place.Keep(NamedPipe.Open(name, IpcAccess.Write));
                break;
            case "datagram":
                Receiver = _place.Listen(kind);
                Sender = _place.Connect(Receiver);
                break;
            case "mq" or "sysvmq":
                Sender = Receiver = _place.Keep(kind == "mq" ? TestQueue.Posix(10, 200) : TestQueue.SysV()).Queue;
                break;
            case "ring":
                var ring = IpcAddress.Parse($"ring:/test-{Guid.NewGuid():N}");
                Sender = _place.Keep(MessageRing.Create(ring));
                Receiver = _place.Keep(MessageRing.Open(ring));
                break;
            default:
                (Sender, Receiver) = _place.Pair(kind);
                break;
        }
    }

    public IpcChannel Sender { get; }

    public IpcChannel Receiver { get; }

    public void Dispose() => _place.Dispose();
}
