using System.Text;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Sockets;

/// <summary>What clients that begin large messages cost a server.</summary>
public sealed class ListenerMemoryTests : IDisposable
{
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };
    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void Headers_that_promise_much_cost_nothing_and_fragments_end_a_connection()
    {
        var listener = (SocketListener)_place.Listen("stream");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clients = Enumerable.Range(0, 20).Select(_ => _place.Connect(listener)).ToArray();
        foreach (var client in clients) client.Send(Header(isFragment: false));
        clients[0].Send("x"u8);
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate)).Id);
        Assert.Equal((20, 0), (listener.Clients, listener.Failed));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8_000_000);
        _place.Connect(listener).Send([.. Header(isFragment: true), 0]);
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => listener.Receive(_message, default, Deadline.Immediate)).Id);
        Assert.Equal((20, 1), (listener.Clients, listener.Failed));
        Assert.EndsWith($"A fragment arrived on '{listener.Address}'. A connection has one writer, which sends each message whole.",
            Assert.Single(listener.TakeWarnings()), StringComparison.Ordinal);
    }

    /// <summary>In a process of its own, whose heap has a limit: a quarter of it is for unfinished messages.</summary>
    [Fact]
    public void A_server_survives_clients_that_together_send_more_than_its_memory()
    {
        var address = _place.Address("stream");
        using var server = DotnetPeer.Start("little-memory", 160_000_000, address.Text);
        using var first = IpcSocket.Connect(address, untilThere: true, Deadline.After(TimeSpan.FromSeconds(60)));
        var part = new byte[15_000_000];
        first.Send([.. Header(isFragment: false), .. part]);
        using var second = IpcSocket.Connect(address);
        second.Send([.. Header(isFragment: false), .. part]);
        Assert.Equal("0 failed", Ask());
        using var third = IpcSocket.Connect(address);
        // It is disconnected in the middle.
        Assert.Equal(IpcErrors.PeerClosed, Assert.Throws<IpcException>(() => third.Send([.. Header(isFragment: false), .. part])).Id);
        Assert.Matches("^1 failed.*Unfinished messages hold as much memory as this process allows for them, 40000000 bytes", Ask());
        // Memory is free again when one of them ends.
        second.Dispose();
        using var fourth = IpcSocket.Connect(address);
        fourth.Send([.. Header(isFragment: false), .. part]);
        Assert.StartsWith("2 failed", Ask(), StringComparison.Ordinal);

        string Ask()
        {
            using var client = IpcSocket.Connect(address);
            client.Send("?"u8, Text);
            Assert.True(client.Receive(_message, default, Deadline.After(TimeSpan.FromSeconds(60))));
            return Encoding.UTF8.GetString(_message.Payload.Span);
        }
    }

    /// <summary>The header of a message of 256 MiB.</summary>
    private static byte[] Header(bool isFragment)
    {
        var header = new EnvelopeHeader
        {
            Format = IpcFormat.Bytes,
            PayloadLength = isFragment ? 1 : IpcChannel.MaxStreamMessage,
            IsFragment = isFragment,
            WriterId = isFragment ? 1u : 0,
            MessageLength = IpcChannel.MaxStreamMessage,
        };
        var bytes = new byte[header.Size];
        header.Write(bytes);
        return bytes;
    }
}

/// <summary>The other process of that test: a server that answers how many clients have failed. The test ends it by its standard
/// input.</summary>
internal static class LittleMemory
{
    public static void Serve(string address)
    {
        using var listener = (SocketListener)IpcSocket.Listen(IpcAddress.Parse(address));
        using var ended = new CancellationTokenSource();
        var serving = Task.Run(() => Answer(listener, ended.Token));
        Console.In.ReadToEnd();
        ended.Cancel();
        serving.Wait();
    }

    private static void Answer(SocketListener listener, CancellationToken ended)
    {
        var message = new MessageBuffer();
        try
        {
            while (listener.Receive(message, default, ended))
            {
                var answer = $"{listener.Failed} failed {string.Join(' ', listener.TakeWarnings())}".TrimEnd();
                message.ReplyChannel!.Send(Encoding.UTF8.GetBytes(answer), new SendOptions { Format = IpcFormat.Text });
            }
        }
        catch (OperationCanceledException)
        {
            // The test has ended.
        }
    }
}
