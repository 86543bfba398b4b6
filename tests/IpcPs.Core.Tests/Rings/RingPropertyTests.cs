using CsCheck;
using IpcPs.Rings;
using Xunit;

namespace IpcPs.Tests.Rings;

public class RingPropertyTests
{
    private enum Act
    {
        Send,
        Enqueue,
        Flush,
        Receive,
        Peek,
    }

    /// <summary>Messages of any size, sent in any way, arrive whole, once and in order. A full ring rejects a message without writing a
    /// part of it.</summary>
    [Fact]
    public void A_ring_is_a_queue()
    {
        var sizes = Gen.Frequency((8, Gen.Int[0, 300]), (2, Gen.Int[0, 5000]), (1, Gen.Int[30_000, 32_752]));
        var acts = Gen.Select(Gen.Enum<Act>(), sizes).Array[1, 200];
        acts.Sample(Play, iter: 200, threads: 1);
    }

    private static void Play((Act Act, int Size)[] acts)
    {
        using var ring = MessageRing.Create(IpcAddress.Parse($"ring:/property-{Guid.NewGuid():N}"),
            new RingOptions { Capacity = 64 * 1024 });
        var expected = new Queue<byte[]>();
        var message = new MessageBuffer();
        var next = (byte)0;
        foreach (var (act, size) in acts)
        {
            var bytes = new byte[size];
            bytes.AsSpan().Fill(next++);
            switch (act)
            {
                case Act.Send:
                    ring.Flush();
                    if (Sent(() => ring.Send(bytes, default, Deadline.Immediate))) expected.Enqueue(bytes);
                    break;
                case Act.Enqueue when ring.Capacity - ring.PendingBytes > 40_000:
                    ring.Enqueue(bytes);
                    ring.Flush();
                    expected.Enqueue(bytes);
                    break;
                case Act.Flush:
                    ring.Flush();
                    break;
                default:
                    if (expected.Count == 0)
                    {
                        var error = Assert.Throws<IpcException>(() => ring.Receive(message, default, Deadline.Immediate));
                        Assert.Equal(IpcErrors.Empty, error.Id);
                        break;
                    }
                    Assert.True(ring.Receive(message, new ReceiveOptions { Peek = act == Act.Peek }, Deadline.Immediate));
                    Assert.Equal(act == Act.Peek ? expected.Peek() : expected.Dequeue(), message.Payload.ToArray());
                    break;
            }
        }
        while (expected.TryDequeue(out var last))
        {
            Assert.True(ring.Receive(message));
            Assert.Equal(last, message.Payload.ToArray());
        }
        Assert.Equal(0, ring.PendingBytes);
    }

    private static bool Sent(Action send)
    {
        try
        {
            send();
            return true;
        }
        catch (IpcException e) when (e.Id == IpcErrors.Full)
        {
            return false;
        }
    }
}
