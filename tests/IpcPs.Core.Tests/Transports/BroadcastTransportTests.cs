using System.Buffers.Binary;
using IpcPs.Mechanisms;
using IpcPs.Transports;
using Xunit;

namespace IpcPs.Tests.Transports;

/// <summary>What carries the output of one job to several, with all ends in this process.</summary>
public sealed class BroadcastTransportTests : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };
    private static readonly JobTransportFactory Ring = IpcMechanisms.Transport("Ring");

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task Each_reader_gets_every_message_in_order_large_ones_too_up_to_the_end()
    {
        using var transport = Ring.CreateBroadcast();
        using var first = Ring.OpenReader(transport.ReaderConnectionString, [], _limit.Token);
        using var second = transport.OpenOwnReader(_limit.Token);
        var readers = new[] { first, second }
            .Select(static r => Task.Factory.StartNew(() => ReadAll(r), TaskCreationOptions.LongRunning)).ToArray();
        var sizes = Enumerable.Range(0, 3000).Select(static i => i % 500 == 499 ? 1_500_000 + i : 4 + (i % 100)).ToArray();
        var writer = transport.OpenWriter();
        for (var i = 0; i < sizes.Length; i++) writer.Enqueue(Message(i, sizes[i]), Objects, _limit.Token);
        writer.Flush(_limit.Token);
        transport.ReleaseWriters();
        foreach (var received in await Task.WhenAll(readers)) Assert.Equal(sizes.Select(static (s, i) => (i, s)), received);
    }

    [Fact]
    public void The_slowest_reader_holds_the_writer_back_until_it_has_ended()
    {
        using var transport = Ring.CreateBroadcast();
        var slow = Ring.OpenReader(transport.ReaderConnectionString, [], _limit.Token);
        using var fast = Ring.OpenReader(transport.ReaderConnectionString, [], _limit.Token);
        var writer = transport.OpenWriter();
        var message = new MessageBuffer();
        var sent = 0;
        while (TrySend()) Assert.True(fast.Receive(message));
        Assert.True(sent > 100);
        Assert.True(slow.Receive(message));
        Assert.True(TrySend());
        Assert.False(TrySend());
        slow.Dispose();
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(TrySend());
            Assert.True(fast.Receive(message));
        }

        bool TrySend()
        {
            try
            {
                writer.Send(Message(sent, 2000), Objects, Deadline.Immediate);
                sent++;
                return true;
            }
            catch (IpcException e) when (e.Id == IpcErrors.Full)
            {
                return false;
            }
        }
    }

    [Fact]
    public void Only_some_kinds_have_a_broadcast()
    {
        var error = Assert.Throws<IpcException>(() => IpcMechanisms.Transport("Pipe").CreateBroadcast());
        Assert.Equal((IpcErrors.NotSupported, "A transport of the kind Pipe has one reader."), (error.Id, error.Message));
    }

    [Theory]
    [InlineData("Pipe")]
    [InlineData("Unix")]
    [InlineData("Queue")]
    public async Task A_relay_moves_all_messages_and_keeps_the_other_transport_open_until_it_is_released(string kind)
    {
        var factory = IpcMechanisms.Transport(kind);
        using var broadcast = Ring.CreateBroadcast();
        using var input = factory.Create();
        using var reader = input.OpenOwnReader(_limit.Token);
        using var opened = new ManualResetEventSlim();
        var ended = new TaskCompletionSource<IpcException?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var relay = new TransportRelay(Ring, broadcast.ReaderConnectionString, factory, input.WriterConnectionString, opened.Set,
            e => ended.SetResult(e), _limit.Token);
        opened.Wait(_limit.Token);
        input.ReleaseWriters();
        var writer = broadcast.OpenWriter();
        var sending = Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 100; i++) writer.Send(Message(i, i == 50 ? 2_000_000 : 8), Objects, _limit.Token);
                broadcast.ReleaseWriters();
            },
            TaskCreationOptions.LongRunning);
        var message = new MessageBuffer();
        for (var i = 0; i < 100; i++)
        {
            Assert.True(reader.Receive(message));
            Assert.Equal((i, i == 50 ? 2_000_000 : 8), Read(message));
        }
        await sending;
        var isReleased = false;
        var end = Task.Factory.StartNew(() => (reader.Receive(message), Volatile.Read(ref isReleased)), TaskCreationOptions.LongRunning);
        // The relay gets the end of the stream at about this time.
        await Task.Yield();
        Volatile.Write(ref isReleased, true);
        relay.Release();
        Assert.Null(await ended.Task);
        reader.EndOfWriters(1);
        Assert.Equal((false, true), await end);
    }

    [Fact]
    public void A_relay_whose_reader_has_ended_does_not_hold_the_writer_back()
    {
        var factory = IpcMechanisms.Transport("Pipe");
        using var broadcast = Ring.CreateBroadcast();
        using var input = factory.Create();
        using var reader = input.OpenOwnReader(_limit.Token);
        using var opened = new ManualResetEventSlim();
        using var relay = new TransportRelay(Ring, broadcast.ReaderConnectionString, factory, input.WriterConnectionString, opened.Set,
            static e => Assert.Null(e), _limit.Token);
        opened.Wait(_limit.Token);
        reader.Dispose();
        // More than the ring and the pipe hold.
        for (var i = 0; i < 3000; i++) broadcast.OpenWriter().Send(Message(i, 8000), Objects, _limit.Token);
    }

    [Fact]
    public void A_relay_says_that_it_could_not_open_the_broadcast()
    {
        var factory = IpcMechanisms.Transport("Pipe");
        using var input = factory.Create();
        using var failed = new ManualResetEventSlim();
        IpcException? error = null;
        using var relay = new TransportRelay(Ring, "/proc/self/fd/999999 ring:/none", factory, input.WriterConnectionString,
            static () => { },
            e =>
            {
                error = e;
                failed.Set();
            },
            _limit.Token);
        failed.Wait(_limit.Token);
        Assert.Equal(IpcErrors.NotFound, error!.Id);
    }

    private static byte[] Message(int number, int size)
    {
        var message = new byte[size];
        BinaryPrimitives.WriteInt32LittleEndian(message, number);
        return message;
    }

    private static (int Number, int Size) Read(MessageBuffer message) =>
        (BinaryPrimitives.ReadInt32LittleEndian(message.Payload.Span), message.Length);

    private static List<(int Number, int Size)> ReadAll(JobTransportReader reader)
    {
        var message = new MessageBuffer();
        var all = new List<(int, int)>();
        while (reader.Receive(message)) all.Add(Read(message));
        return all;
    }
}
