using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Readiness;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Signals;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Readiness;

/// <summary>One object of each kind, and what makes it ready.</summary>
public sealed partial class ReadinessTests
{
    private T Own<T>(T made)
        where T : IpcObject
    {
        _opened.Add(made);
        return made;
    }

    private Subject Create(string kind)
    {
        var name = $"ready-{Environment.ProcessId}-{Guid.NewGuid():n}"[..30];
        switch (kind)
        {
            case "pipe":
                var pipe = Own(AnonymousPipe.Create());
                return Subject.OfChannel(pipe.Reader, pipe.Writer);
            case "fifo":
                var fifo = Own(NamedPipe.Create(IpcAddress.Parse("fifo:" + name)));
                var reading = Own(NamedPipe.Open(fifo.Address, IpcAccess.Read));
                return Subject.OfChannel(reading, Own(NamedPipe.Open(fifo.Address, IpcAccess.Write)));
            case "unix" or "seqpacket":
                var address = IpcAddress.Parse($"unix:@{name}?type={(kind == "unix" ? "stream" : kind)}");
                var server = Own((SocketListener)IpcSocket.Listen(address));
                var client = Own((IpcChannel)IpcMechanisms.Open(server.Address));
                return Subject.OfChannel(Own(server.Accept()), client);
            case "datagram":
                var bound = Own((IpcChannel)IpcSocket.Listen(IpcAddress.Parse($"unix:@{name}?type=datagram")));
                return Subject.OfChannel(bound, Own((IpcChannel)IpcMechanisms.Open(bound.Address)));
            case "listener" or "packets":
                var type = kind == "packets" ? "seqpacket" : "stream";
                var listener = Own((SocketListener)IpcSocket.Listen(IpcAddress.Parse($"unix:@{name}?type={type}")));
                return Subject.OfListener(listener);
            case "mq":
                var queue = Own(PosixQueue.Create(IpcAddress.Parse("mq:/" + name)));
                return Subject.OfChannel(queue, queue);
            case "sysvmq":
                var sysv = Own(SysVQueue.Create());
                return Subject.OfChannel(sysv, sysv);
            case "ring":
                var ring = Own(MessageRing.Create(IpcAddress.Parse("ring:/" + name), new RingOptions { Capacity = 65536 }));
                return Subject.OfChannel(ring, Own(MessageRing.Open(ring.Address, IpcAccess.Write)));
            case "sem":
                return Subject.OfLock(Own(PosixSemaphore.Create(IpcAddress.Parse("sem:/" + name), 0)));
            case "sysvsem":
                return Subject.OfLock(Own(SysVSemaphoreSet.Create(null, 1, 0)));
            case "mutex":
                var mutex = Own(IpcMutex.Create(IpcAddress.Parse("mutex:" + name)));
                var free = Own(IpcMutex.Open(mutex.Address));
                mutex.Acquire(new LockOptions { Holder = this });
                return new Subject(mutex, ReadyState.Available,
                    () => mutex.Release(), () => mutex.Acquire(new LockOptions { Holder = this }));
            default:
                var memory = Own(PosixSharedMemory.Create(IpcAddress.Parse("shm:/" + name), 4096));
                return new Subject(memory, ReadyState.Changed, () =>
                {
                    memory.Add(0, 1);
                    memory.Wake(0);
                }, () => { });
        }
    }

    /// <summary>An object, what makes it ready, and what takes that away again.</summary>
    private sealed record Subject(IpcObject Object, ReadyState State, Action Make, Action Take)
    {
        public Action End { get; init; } = static () => { };

        public static Subject OfChannel(IpcChannel receiver, IpcChannel sender) => new(receiver, ReadyState.Message,
            () => sender.Send([65, 10], new SendOptions { Format = IpcFormat.Object }),
            () => Assert.True(receiver.Receive(new MessageBuffer(), default, Deadline.Immediate)))
        { End = sender.Dispose };

        public static Subject OfListener(SocketListener listener)
        {
            IpcChannel? client = null;
            return new Subject(listener, ReadyState.Connection, () =>
            {
                client = (IpcChannel)IpcMechanisms.Open(listener.Address);
            }, () =>
            {
                listener.Accept(Deadline.Immediate).Dispose();
                client!.Dispose();
            });
        }

        public static Subject OfLock(IpcLock semaphore) =>
            new(semaphore, ReadyState.Available, () => semaphore.Release(), () => semaphore.Acquire(Deadline.Immediate));
    }
}
