using CsCheck;
using IpcPs.Pipes;
using IpcPs.Serialization;
using Xunit;
using Xunit.Abstractions;

namespace IpcPs.Tests.Serialization;

/// <summary>Bytes from a peer are never trusted. They raise no other exception than <see cref="IpcException"/>, and need limited time and
/// memory.</summary>
public class FuzzTests(ITestOutputHelper output)
{
    private const int Overhead = 4 * 1024 * 1024;

    [Fact]
    public void Mutated_objects_raise_nothing_but_IpcException()
    {
        var originals = Originals();
        var decoder = new ObjectDecoder();
        Report(fuzz => fuzz.Run(random => Fuzz.Mutate(originals[random.Next(originals.Length)], random), bytes => Decode(decoder, bytes)));
    }

    [Fact]
    public void Random_bytes_raise_nothing_but_IpcException()
    {
        var decoder = new ObjectDecoder();
        Report(fuzz => fuzz.Run(
            static random =>
            {
                var bytes = Fuzz.Random(random, 300);
                // A tag of IpcPs is a rare pair of random bytes, so tags are written often enough to be tested.
                for (var i = 0; i + 3 < bytes.Length; i += random.Next(3, 40))
                {
                    bytes[i] = 0xD9;
                    bytes[i + 1] = 0xC9;
                    bytes[i + 2] = (byte)(0x50 + random.Next(34));
                }
                return bytes;
            },
            bytes => Decode(decoder, bytes)));
    }

    [Fact]
    public void Large_random_messages_stay_within_the_memory_that_their_size_justifies()
    {
        var decoder = new ObjectDecoder();
        byte[] greedy = [0xA0, 0x80, 0x9F, 0xBF, 0x9A, 0xBA, 0x01, 0xF6, 0x60, 0x40, 0xFF];
        Report(fuzz => fuzz.Run(
            random =>
            {
                var bytes = new byte[random.Next(1000, 200_000)];
                random.NextBytes(bytes);
                var few = random.Next(1, greedy.Length);
                var offset = random.Next(greedy.Length);
                for (var i = 0; i < bytes.Length; i++) bytes[i] = greedy[(offset + (bytes[i] % few)) % greedy.Length];
                bytes[0] = 0x9F;
                return bytes;
            },
            bytes => Decode(decoder, bytes)));
    }

    [Fact]
    public void Headers_are_read_or_refused()
    {
        var address = IpcAddress.Parse("fd:0");
        Report(fuzz => fuzz.Run(
            static random =>
            {
                var bytes = Fuzz.Random(random, 40);
                if (bytes.Length > 3 && random.Next(4) > 0)
                {
                    bytes[0] = EnvelopeHeader.Marker;
                    bytes[1] = EnvelopeHeader.Version;
                    bytes[2] = (byte)random.Next(20);
                    bytes[3] = (byte)random.Next(1, 6);
                }
                if (bytes.Length > 7 && random.Next(2) > 0) bytes.AsSpan(5, 3).Clear();
                return bytes;
            },
            bytes =>
            {
                try
                {
                    if (bytes.Length == 0 || bytes[0] != EnvelopeHeader.Marker) return;
                    if (!EnvelopeHeader.TryRead(bytes, IpcChannel.MaxStreamMessage, address, out var header)) return;
                    Assert.InRange(header.Size, EnvelopeHeader.FixedSize, EnvelopeHeader.MaxSize);
                    Assert.InRange(header.PayloadLength, 0, IpcChannel.MaxStreamMessage);
                    Assert.InRange(header.MessageLength, 0, IpcChannel.MaxStreamMessage);
                    Span<byte> written = stackalloc byte[EnvelopeHeader.MaxSize];
                    Assert.Equal(header.Size, header.Write(written));
                    Assert.True(written[..header.Size].SequenceEqual(bytes.AsSpan(0, header.Size)));
                }
                catch (IpcException)
                {
                }
            }));
    }

    [Fact]
    public void A_stream_of_garbage_ends_with_messages_or_an_IpcException()
    {
        var originals = Streams();
        Report(fuzz => fuzz.Run(
            random => random.Next(4) == 0 ? Fuzz.Random(random, 2000) : Fuzz.Mutate(originals[random.Next(originals.Length)], random),
            static bytes =>
            {
                if (bytes.Length > 60_000) return;
                using var pipe = AnonymousPipe.Create();
                pipe.Writer.Send(bytes, new SendOptions { Format = IpcFormat.Bytes });
                pipe.Writer.Dispose();
                var message = new MessageBuffer();
                var before = GC.GetAllocatedBytesForCurrentThread();
                foreach (var format in new[] { IpcFormat.Auto, IpcFormat.Object })
                {
                    try
                    {
                        // Each message has at least a byte. A receiver that returns more messages than bytes would never end.
                        var received = 0;
                        while (pipe.Receive(message, new ReceiveOptions { Format = format })) Assert.True(++received <= bytes.Length);
                    }
                    catch (IpcException)
                    {
                        // The rest is then received in the other format. That must not raise any other exception either.
                    }
                }
                Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < Overhead);
            }));
    }

    private static void Decode(ObjectDecoder decoder, byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            decoder.Decode(bytes);
        }
        catch (IpcException)
        {
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= CodecLimits.MemoryFor(bytes.Length), $"{allocated} bytes were allocated for {bytes.Length}");
    }

    private static byte[][] Originals()
    {
        var encoder = new ObjectEncoder();
        var originals = new List<byte[]>();
        Values.Any.Sample(value => originals.Add(encoder.Encode(value).ToArray()), iter: 2000, threads: 1);
        return [.. originals.Where(static bytes => bytes.Length < 5000)];
    }

    private static byte[][] Streams()
    {
        var streams = new List<byte[]>();
        foreach (var lengths in new int[][] { [10], [10, 20, 30], [5000], [100, 9000, 7], [0, 0] })
        {
            using var pipe = AnonymousPipe.Create();
            foreach (var length in lengths)
            {
                pipe.Send(new byte[length], new SendOptions { Format = IpcFormat.Object, CorrelationId = (ulong)length });
                pipe.Send("a line"u8, new SendOptions { Format = IpcFormat.Text });
            }
            pipe.Writer.Dispose();
            using var all = new MemoryStream();
            var message = new MessageBuffer();
            while (pipe.Receive(message, new ReceiveOptions { Format = IpcFormat.Bytes })) all.Write(message.Payload.Span);
            streams.Add(all.ToArray());
        }
        return [.. streams];
    }

    private void Report(Func<Fuzz, int> run)
    {
        var fuzz = new Fuzz();
        output.WriteLine($"IPCPS_FUZZ_SEED={fuzz.Seed}");
        output.WriteLine($"{run(fuzz)} rounds");
    }
}
