using System.Buffers.Binary;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Proc;
using IpcPs.Tests.Queues;
using IpcPs.Transports;
using Xunit;

namespace IpcPs.Tests.Transports;

/// <summary>What carries objects between jobs, with both ends in this process: every kind behaves alike.</summary>
[Collection(nameof(QueueTests))]
public sealed class TransportTests : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));

    public static TheoryData<string> Kinds => [.. IpcMechanisms.Transports.Select(static t => t.Name)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Two_writers_are_received_in_their_order_up_to_the_end(string kind)
    {
        const int Count = 3000;
        using var transport = IpcMechanisms.Transport(kind).Create();
        using var reader = transport.OpenOwnReader(_limit.Token);
        var received = Task.Factory.StartNew(() => ReadAll(reader), TaskCreationOptions.LongRunning);
        // One after the other: a completed writer's messages come before those that another one sends from then on.
        for (var round = 0; round < 2; round++)
        {
            var writer = transport.OpenWriter();
            for (var i = 0; i < Count; i++) writer.Send(Message(round, i, 8), Objects, new(Deadline.Infinite, _limit.Token));
            writer.Send(Message(round, Count, 3_000_000), Objects, new(Deadline.Infinite, _limit.Token));
            transport.Complete(writer, _limit.Token);
            transport.Close(writer);
        }
        transport.ReleaseWriters();
        reader.EndOfWriters(2);
        var expected = Enumerable.Range(0, 2 * (Count + 1))
            .Select(static n => (n / (Count + 1), n % (Count + 1), n % (Count + 1) == Count ? 3_000_000 : 8));
        Assert.Equal(expected, await received);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_transport_that_no_process_wrote_to_ends(string kind)
    {
        using var transport = IpcMechanisms.Transport(kind).Create();
        using var reader = transport.OpenOwnReader(_limit.Token);
        transport.ReleaseWriters();
        reader.EndOfWriters(0);
        Assert.Empty(ReadAll(reader));
    }

    [Theory]
    [InlineData("SeqPacket")]
    [InlineData("Queue")]
    [InlineData("SysVQueue")]
    [InlineData("Ring")]
    public void Nothing_is_left_of_what_was_not_received(string kind)
    {
        var before = Directory.GetFiles("/dev/shm").ToHashSet();
        using (var transport = IpcMechanisms.Transport(kind).Create())
        {
            // The second one is what a killed writer leaves.
            foreach (var end in new[] { "receive", "die" })
            {
                var writer = transport.OpenWriter();
                writer.Send(Message(0, 0, 3_000_000), Objects, new(Deadline.Infinite, _limit.Token));
                if (end == "receive") continue;
                using var large = LargeMessage.Create("x"u8, writer.Address);
                large.MarkDelivered();
            }
        }
        Assert.DoesNotContain(Directory.GetFiles("/dev/shm"), f => !before.Contains(f) && IsOwn(f));
    }

    [Fact]
    public void A_system_v_queue_ends_with_its_reader_and_with_the_first_process_that_sees_the_end_of_the_parent()
    {
        var kind = IpcMechanisms.Transport("SysVQueue");
        foreach (var parentEnds in new[] { false, true })
        {
            using var transport = kind.Create();
            using var writer = kind.OpenWriter(transport.WriterConnectionString, _limit.Token);
            // Not stale: the inventory finds that this process uses it, before any writer or reader does.
            var row = IpcInventory.List([IpcScheme.SysVMq], true, out _).Single(o => writer.Address.Equals(o.Address));
            Assert.False(row.IsStale, row.Reason);
            using (var reader = kind.OpenReader(transport.ReaderConnectionString, [], _limit.Token))
            {
                if (parentEnds) kind.OnParentEnded(transport.WriterConnectionString);
                if (parentEnds) Assert.False(reader.Receive(new MessageBuffer()));
            }
            var error = Assert.Throws<IpcException>(() => writer.Send("x"u8, Objects, Deadline.Immediate));
            Assert.True(JobTransport.IsReaderGone(error), error.Message);
            Assert.DoesNotContain(SysVTable.Addresses(IpcScheme.SysVMq), a => a.Equals(writer.Address));
        }
    }

    public void Dispose() => _limit.Dispose();

    private static bool IsOwn(string file) => file.Contains($"/ipcps-large-{Environment.ProcessId}-", StringComparison.Ordinal);

    private static byte[] Message(int writer, int number, int size)
    {
        var message = new byte[size];
        BinaryPrimitives.WriteInt32LittleEndian(message, writer);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), number);
        return message;
    }

    private static List<(int Writer, int Number, int Size)> ReadAll(JobTransportReader reader)
    {
        var all = new List<(int, int, int)>();
        var message = new MessageBuffer();
        while (reader.Receive(message))
        {
            var payload = message.Payload.Span;
            var (writer, number) = (BinaryPrimitives.ReadInt32LittleEndian(payload), BinaryPrimitives.ReadInt32LittleEndian(payload[4..]));
            all.Add((writer, number, payload.Length));
        }
        return all;
    }
}
