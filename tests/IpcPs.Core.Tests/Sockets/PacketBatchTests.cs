using System.Text;
using IpcPs.Pipes;
using IpcPs.Sockets;
using Xunit;

namespace IpcPs.Tests.Sockets;

/// <summary>A receiver that is slower than the sender receives several packets with one call. The program must not notice that.</summary>
public sealed class PacketBatchTests : IDisposable
{
    // As many as wait where net.unix.max_dgram_qlen is what the kernel makes it.
    private const int Waiting = 10;
    private const int BeforeBatch = 6;

    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public void Dispose()
    {
        _message.DropHandles();
        _place.Dispose();
    }

    [Fact]
    public void Short_long_and_empty_packets_and_descriptors_come_as_they_were_sent()
    {
        var (client, server) = _place.Pair("seqpacket");
        using var pipe = AnonymousPipe.Create();
        var large = new byte[100_000];
        Random.Shared.NextBytes(large);
        for (var i = 0; i < BeforeBatch; i++) client.Send([(byte)i]);
        client.Send([]);
        client.Send(large);
        client.Send("with one"u8, new SendOptions { Handles = [pipe.Reader.Reader!] });
        client.Send([]);
        client.Dispose();

        for (var i = 0; i < BeforeBatch; i++) Assert.Equal([(byte)i], Next(server));
        Assert.Equal(0, ((SeqPacketSocket)server).PendingBytes);
        Assert.Empty(Next(server));
        Assert.Equal(large, Next(server));
        Assert.Equal("with one", Encoding.UTF8.GetString(Next(server)));
        Assert.Single(_message.Handles!);
        Assert.Equal(Environment.ProcessId, _message.SenderId);
        Assert.Empty(Next(server));
        Assert.Null(_message.Handles);
        Assert.False(server.Receive(_message, default, Soon));
        Assert.False(server.Receive(_message, default, Soon));
    }

    [Fact]
    public void Descriptors_of_packets_that_nobody_received_are_closed_with_the_connection()
    {
        var (client, server) = _place.Pair("seqpacket");
        using var pipe = AnonymousPipe.Create();
        for (var i = 0; i < Waiting; i++) client.Send("take it"u8, new SendOptions { Handles = [pipe.Writer.Writer!] });
        pipe.Writer.Dispose();
        for (var i = 0; i < BeforeBatch; i++) Next(server);
        _message.DropHandles();
        Assert.Equal(0, ((SeqPacketSocket)server).PendingBytes);
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => pipe.Receive(_message, default, Deadline.Immediate)).Id);
        server.Dispose();
        Assert.False(pipe.Receive(_message, default, Soon));
    }

    [Fact]
    public void Exact_leaves_the_rest_to_another_process()
    {
        var (client, server) = _place.Pair("seqpacket");
        for (var i = 0; i < Waiting; i++) client.Send([(byte)i]);
        for (var i = 0; i < Waiting - 1; i++)
        {
            Assert.True(server.Receive(_message, new ReceiveOptions { Exact = true }, Soon));
            Assert.Equal([(byte)i], _message.Payload.ToArray());
        }
        Assert.Equal(1, ((SeqPacketSocket)server).PendingBytes);
    }

    private byte[] Next(IpcChannel channel)
    {
        Assert.True(channel.Receive(_message, default, Soon));
        return _message.Payload.ToArray();
    }
}
