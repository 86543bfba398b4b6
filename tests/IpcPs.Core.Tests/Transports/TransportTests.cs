using System.Buffers.Binary;
using IpcPs.Mechanisms;
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

    public void Dispose() => _limit.Dispose();

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
            all.Add((BinaryPrimitives.ReadInt32LittleEndian(payload), BinaryPrimitives.ReadInt32LittleEndian(payload[4..]), payload.Length));
        }
        return all;
    }
}
