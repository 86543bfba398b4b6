using IpcPs.Rings;
using IpcPs.Rings.Algorithm;
using Xunit;

namespace IpcPs.Tests.Rings;

/// <summary>Writers that wait for space. Readers wake them when a quarter of the ring is free.</summary>
public class RingSpaceTests
{
    [Theory]
    [InlineData(RingDelivery.Queue)]
    [InlineData(RingDelivery.BroadcastHold)]
    public async Task A_writer_goes_on_although_its_reader_stops_after_one_message(RingDelivery delivery)
    {
        var address = IpcAddress.Parse($"ring:/space-{Guid.NewGuid():N}");
        using var writer = MessageRing.Create(address, new RingOptions { Capacity = 64 * 1024, Delivery = delivery });
        using var reader = MessageRing.Open(address, IpcAccess.Read);
        var bytes = new byte[1000];
        // The last round waits until it checks only now and then.
        for (var round = 0; round < 8; round++)
        {
            Fill(writer, bytes);
            var waits = Task.Run(() => writer.Send(bytes));
            Assert.True(SpinWait.SpinUntil(() => (writer.Memory.ReadWord(RingLayout.SpaceSleepers) & 1) != 0, TimeSpan.FromSeconds(60)));
            Assert.True(reader.Receive(new MessageBuffer(), default, Deadline.After(TimeSpan.FromSeconds(60))));
            await waits.WaitAsync(TimeSpan.FromSeconds(60));
        }
    }

    private static void Fill(MessageRing ring, byte[] bytes)
    {
        try
        {
            while (true) ring.Send(bytes, default, Deadline.Immediate);
        }
        catch (IpcException e)
        {
            Assert.Equal(IpcErrors.Full, e.Id);
        }
    }
}
