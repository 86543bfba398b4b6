using IpcPs.Pipes;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;
using IpcPs.SharedMemory;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Rings;

/// <summary>The contents of a ring are never trusted: a process that may write the file can change them at any time.</summary>
public sealed class RingFuzzTests : IDisposable
{
    private readonly IpcAddress _address = IpcAddress.Parse($"ring:/fuzz-{Guid.NewGuid():N}");

    private string Path => RingFile.PathOf(_address);

    public void Dispose() => File.Delete(Path);

    [Theory]
    [InlineData(RingDelivery.Queue)]
    [InlineData(RingDelivery.BroadcastHold)]
    [InlineData(RingDelivery.BroadcastDropOldest)]
    public void A_ring_that_is_damaged_under_way_gives_messages_or_exceptions(RingDelivery delivery)
    {
        var random = new Random(42);
        for (var round = 0; round < 30; round++)
        {
            var ring = MessageRing.Create(_address, new RingOptions { Capacity = 64 * 1024, Delivery = delivery });
            using var vandal = new FileStream(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete,
                bufferSize: 0);
            using var stop = new CancellationTokenSource();
            var peers = Enumerable.Range(0, 2).SelectMany(_ => new[] { Peer(Receive), Peer(Send) }).ToList();
            for (var i = 0; i < 300; i++) Damage(vandal, random);
            stop.Cancel();
            peers.ForEach(static p => p.Join());
            ring.Dispose();
            File.Delete(Path);

            Thread Peer(Action<MessageRing, MessageBuffer> act)
            {
                var thread = new Thread(() =>
                {
                    var message = new MessageBuffer();
                    while (!stop.IsCancellationRequested)
                    {
                        try
                        {
                            using var own = MessageRing.Open(_address);
                            for (var i = 0; i < 100; i++) act(own, message);
                        }
                        catch (IpcException)
                        {
                        }
                    }
                });
                thread.Start();
                return thread;
            }
        }
    }

    [Fact]
    public void A_file_that_is_no_ring_or_a_damaged_one_is_refused()
    {
        var random = new Random(1);
        using (MessageRing.Create(_address, new RingOptions { Capacity = 64 * 1024, Persist = true }))
        {
        }
        var good = File.ReadAllBytes(Path);
        Assert.Throws<IpcException>(() => OpenBytes([]));
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => OpenBytes(new byte[good.Length])).Id);
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => OpenBytes(good[..^1])).Id);
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => OpenBytes([.. good, 0])).Id);
        int[] fields =
            [RingLayout.VersionAt, RingLayout.DeliveryAt, RingLayout.CapacityAt, RingLayout.DataOffsetAt, RingLayout.SlotCountAt];
        foreach (var field in fields)
        {
            var bad = good.ToArray();
            bad[field + 2] ^= 0x40;
            Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => OpenBytes(bad)).Id);
        }
        for (var i = 0; i < 2000; i++)
        {
            var bad = good.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--) bad[random.Next(0x400)] = (byte)random.Next(256);
            try
            {
                OpenBytes(bad);
            }
            catch (IpcException)
            {
            }
        }
    }

    [Fact]
    public void A_ring_whose_file_is_cut_fails_and_kills_nobody()
    {
        if (!SigbusGuard.IsActive) return;
        using var ring = MessageRing.Create(_address);
        ring.Send(new byte[1000]);
        using (var cut = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) cut.SetLength(0);
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => ring.Send(new byte[100])).Id);
        var error = Assert.Throws<IpcException>(() => ring.Receive(new MessageBuffer(), default, Deadline.Immediate));
        Assert.Equal(IpcErrors.InvalidData, error.Id);
    }

    private static void Receive(MessageRing ring, MessageBuffer message) =>
        ring.Receive(message, default, Deadline.After(TimeSpan.FromMilliseconds(1)));

    private static void Send(MessageRing ring, MessageBuffer message) =>
        ring.Send(new byte[Random.Shared.Next(2000)], default, Deadline.After(TimeSpan.FromMilliseconds(1)));

    private static void Damage(FileStream file, Random random)
    {
        int[] fields = [RingLayout.Tail, RingLayout.Head, RingLayout.WriterLock, RingLayout.ReaderLock,
            RingLayout.LockSleepers(RingLayout.WriterLock), RingLayout.DataSleepers, RingLayout.SpaceSleepers, RingLayout.NextToken,
            RingLayout.WritersEver, RingLayout.Slots, RingLayout.Slots + RingLayout.SlotCursor];
        file.Position = random.Next(3) switch
        {
            0 => fields[random.Next(fields.Length)],
            1 => RingLayout.DataOffset + (random.Next(64 * 1024 / 8) * 8),
            _ => random.Next(RingLayout.Tail, RingLayout.DataOffset),
        };
        var value = random.Next(4) switch
        {
            0 => random.NextInt64(),
            1 => random.Next(200_000) * 8L,
            2 => random.Next(100),
            _ => -random.Next(100),
        };
        file.Write(BitConverter.GetBytes(value));
    }

    private void OpenBytes(byte[] bytes)
    {
        File.WriteAllBytes(Path, bytes);
        using var ring = MessageRing.Open(_address);
        try
        {
            ring.Send(new byte[10], default, Deadline.Immediate);
            ring.Receive(new MessageBuffer(), default, Deadline.Immediate);
        }
        finally
        {
            ring.IsPersistent = true;
        }
    }
}
