using System.Globalization;
using IpcPs.Mechanisms;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.Sockets;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Queues;

[Collection(nameof(QueueTests))]
public class NoDescriptorLeftTests
{
    /// <summary>In a process of its own, which has a limit of its own.</summary>
    [Needs("prlimit")]
    public void A_large_object_that_no_descriptor_is_left_for_is_received_later()
    {
        using var peer = DotnetPeer.Start("no-descriptor-left");
        var output = peer.StandardOutput.ReadToEnd();
        peer.WaitForExit();
        Assert.Equal(
            """
            POSIX message queue: IpcLimitReached, 5000, small
            System V message queue: IpcLimitReached, 5000, small
            message ring: IpcLimitReached, 200000, small
            unix seqpacket listener: IpcLimitReached, 500000, small
            unix datagram listener: IpcLimitReached, 500000, small
            opened again: 5000
            opened again: 5000
            wrong type: IpcEmpty; type 7: 5000 5000

            """, output);
        Assert.Equal(0, peer.ExitCode);
    }
}

/// <summary>The other process of that test.</summary>
internal static class NoDescriptorLeft
{
    private static readonly SendOptions Object = new() { Format = IpcFormat.Object };
    private static readonly Deadline Soon = Deadline.After(TimeSpan.FromSeconds(60));
    private static readonly MessageBuffer Message = new();

    public static void Run()
    {
        Peer.Run("prlimit", "--nofile=200:", "--pid", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        var name = string.Create(CultureInfo.InvariantCulture, $"ipcps-test-{Environment.ProcessId}");
        using var posix = TestQueue.Create(QueueFamily.Posix);
        using var sysv = TestQueue.Create(QueueFamily.SysV);
        using var ring = MessageRing.Create(IpcAddress.Parse("ring:" + name), new RingOptions { Capacity = 65536 });
        using var server = IpcSocket.Listen(IpcAddress.Parse($"unix:@{name}?type=seqpacket"));
        using var client = IpcSocket.Connect(server.Address);
        using var datagrams = IpcSocket.Listen(IpcAddress.Parse($"unix:@{name}-d?type=datagram"));
        using var sender = IpcSocket.Connect(datagrams.Address);
        Check(posix.Queue, posix.Queue, 5000);
        Check(sysv.Queue, sysv.Queue, 5000);
        Check(ring, ring, 200_000);
        Check(client, server, 500_000);
        Check(sender, datagrams, 500_000);
        foreach (var queue in new[] { posix, sysv })
        {
            queue.Queue.Send(new byte[5000], Object);
            using (var first = queue.OpenAgain(IpcAccess.Read)) AtTheLimit(first);
            queue.Queue.Receive(Message, default, Deadline.Immediate);
            Console.WriteLine($"opened again: {Message.Length}");
        }
        sysv.Queue.Send(new byte[5000], Object with { Type = 7 });
        AtTheLimit(sysv.Queue);
        Console.Write($"wrong type: {Failure(sysv.Queue, new ReceiveOptions { Type = -6 })}; type 7:");
        foreach (var peek in new[] { true, false })
        {
            sysv.Queue.Receive(Message, new ReceiveOptions { Type = 7, Peek = peek }, Deadline.Immediate);
            Console.Write($" {Message.Length}");
        }
        Console.WriteLine();
    }

    private static void Check(IpcChannel sender, IpcChannel receiver, int size)
    {
        // Once before, so that the runtime has loaded what a receive needs.
        sender.Send(new byte[size], Object);
        receiver.Receive(Message, default, Soon);
        sender.Send(new byte[size], Object);
        var failure = AtTheLimit(receiver);
        sender.Send("small"u8, Object);
        receiver.Receive(Message, default, Soon);
        Console.Write($"{receiver.Kind}: {failure}, {Message.Length}, ");
        receiver.Receive(Message, default, Soon);
        Console.WriteLine(System.Text.Encoding.UTF8.GetString(Message.Payload.Span));
    }

    /// <summary>What a receive says while this process can open no descriptor.</summary>
    private static string AtTheLimit(IpcChannel receiver)
    {
        _ = Failure(receiver, new ReceiveOptions { Type = 99 });
        var held = new List<FileStream>();
        try
        {
            while (true) held.Add(File.OpenRead("/dev/null"));
        }
        catch (IOException)
        {
            return Failure(receiver, default);
        }
        finally
        {
            foreach (var file in held) file.Dispose();
        }
    }

    private static string Failure(IpcChannel receiver, ReceiveOptions options)
    {
        try
        {
            return receiver.Receive(Message, options, Deadline.Immediate) ? "received" : "ended";
        }
        catch (IpcException e)
        {
            return e.Id.Name;
        }
    }
}
