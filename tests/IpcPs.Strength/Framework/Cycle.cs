using System.Globalization;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Sockets;

namespace IpcPs.Strength.Framework;

/// <summary>The whole life of an object of one mechanism: it is created, opened, used and removed.</summary>
/// <param name="Kind">What it is called in the table.</param>
/// <param name="Run">Does it, with names that the function gives.</param>
/// <param name="HasRecordedCreator">Whether the kernel records from the first moment whose such an object is. It does not for a System V
/// queue before its first message, nor for a semaphore set before its first operation: what is left by a kill in between can't be
/// distinguished from the object of any other program.</param>
internal sealed record Cycle(string Kind, Action<Func<string>> Run, bool HasRecordedCreator = true)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Cycle> All { get; } =
    [
        new("anonymous pipe", static _ =>
        {
            using var pipe = AnonymousPipe.Create();
            Send(pipe, pipe);
        }),
        new("FIFO", static name =>
        {
            using var pipe = NamedPipe.Create(IpcAddress.Parse($"fifo:{name()}"));
            Use(pipe, () =>
            {
                using var reader = NamedPipe.Open(pipe.Address, IpcAccess.Read);
                Send(pipe, reader);
            });
        }),
        new("unix socket", static name => Connect($"unix:{name()}")),
        new("unix seqpacket socket", static name => Connect($"unix:{name()}?type=seqpacket")),
        new("TCP socket", static _ => Connect("tcp:127.0.0.1:0")),
        new("POSIX queue", static name => Queue(PosixQueue.Create(IpcAddress.Parse($"mq:/{name()}")))),
        new("System V queue", static _ => Queue(SysVQueue.Create()), HasRecordedCreator: false),
        new("ring", static name => Queue(MessageRing.Create(IpcAddress.Parse($"ring:/{name()}")))),
        new("shared memory", static name =>
        {
            using var memory = PosixSharedMemory.Create(IpcAddress.Parse($"shm:/{name()}"), 65536);
            Use(memory, () => memory.Write(8, 42L));
        }),
        new("POSIX semaphore", static name => Lock(PosixSemaphore.Create(IpcAddress.Parse($"sem:/{name()}")))),
        new("System V semaphore", static _ => Lock(SysVSemaphoreSet.Create(null)), HasRecordedCreator: false),
        new("mutex", static name => Lock(IpcMutex.Create(IpcAddress.Parse($"mutex:{name()}")))),
    ];

    private static void Send(IpcChannel from, IpcChannel to)
    {
        var message = new MessageBuffer();
        from.Send(new byte[1000], new SendOptions { Format = IpcFormat.Object });
        to.Receive(message, default, Deadline.After(TimeSpan.FromMinutes(1)));
    }

    private static void Connect(string address)
    {
        using var listener = IpcSocket.Listen(IpcAddress.Parse(address));
        using var client = IpcSocket.Connect(listener.Address);
        Send(client, listener);
    }

    private static void Queue(IpcChannel queue)
    {
        using (queue)
        {
            Use(queue, () =>
            {
                Send(queue, queue);
                // One that does not fit into a message of a queue.
                queue.Send(new byte[50_000], new SendOptions { Format = IpcFormat.Object });
                queue.Receive(new MessageBuffer(), default, Deadline.After(TimeSpan.FromMinutes(1)));
            });
        }
    }

    private static void Lock(IpcLock created)
    {
        using (created)
        {
            Use(created, () =>
            {
                created.Acquire();
                created.Release();
            });
        }
    }

    private static void Use(IpcObject created, Action use)
    {
        try
        {
            use();
        }
        finally
        {
            IpcMechanisms.For(created.Address.Scheme).Remove(created.Address);
        }
    }
}
