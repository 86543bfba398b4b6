using IpcPs.Benchmarks.Framework;
using IpcPs.Mechanisms;
using IpcPs.Pipes;

namespace IpcPs.Benchmarks.Pipes;

/// <summary>Pipes and FIFOs beside C programs that do one write(2) a message.</summary>
internal sealed class PipeBenchmarks : IBenchmarkGroup
{
    private const int Size = 100;

    // In the same folder as ours: a FIFO's file system takes part in each write (it keeps the file's times).
    private static string CFifo => Path.Combine(RuntimeFolder.Path, $"bench-c-{Environment.ProcessId}");

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var messages = Settings.Count(1_000_000);
            var trips = Settings.Count(50_000);
            yield return new("pipe, one way, 100 bytes", "messages/s", 0.85, false,
                new("IpcPs, Send", () => Anonymous(messages, Size, atOnce: false)),
                new("C, write", () => CPrograms.Run("pipe_oneway", $"{messages}", $"{Size}")));
            yield return new("pipe, one way, 100 bytes, many at once", "messages/s", 3, false,
                new("IpcPs, SendMany", () => Anonymous(messages, Size, atOnce: true)),
                new("C, write", () => CPrograms.Run("pipe_oneway", $"{messages}", $"{Size}")));
            yield return new("FIFO, one way, 100 bytes", "messages/s", 0.85, false,
                new("IpcPs, Send", () => Fifo(messages, atOnce: false)),
                new("C, write", () => CPrograms.Run("pipe_oneway", $"{messages}", $"{Size}", CFifo)));
            yield return new("FIFO, one way, 100 bytes, many at once", "messages/s", 3, false,
                new("IpcPs, SendMany", () => Fifo(messages, atOnce: true)),
                new("C, write", () => CPrograms.Run("pipe_oneway", $"{messages}", $"{Size}", CFifo)));
            var blocks = Settings.Count(65_536);
            yield return new("pipe, 4 GiB in 64 KiB messages, default capacity", "messages/s", 1.5, false,
                new("IpcPs, Send", () => Anonymous(blocks, 65536, atOnce: false)),
                new("C, write", () => CPrograms.Run("pipe_oneway", $"{blocks}", "65536")));
            foreach (var trip in RoundTrips.Of("two pipes, round trip, 100 bytes", cores => RoundTrip(trips, cores),
                "pipe_roundtrip", $"{trips}", $"{Size}")) yield return trip;
        }
    }

    private static double? Anonymous(int count, int size, bool atOnce)
    {
        using var pipe = AnonymousPipe.Create();
        return ChannelLoads.OneWay(pipe.Writer, pipe.Reader.Address.Text, count, size, atOnce, ChannelLoads.Framed);
    }

    private static double? Fifo(int count, bool atOnce)
    {
        var address = IpcAddress.Parse($"fifo:bench-{Environment.ProcessId}");
        using var fifo = NamedPipe.Create(address);
        try
        {
            return ChannelLoads.OneWay(fifo, address.Text, count, Size, atOnce, ChannelLoads.Framed);
        }
        finally
        {
            IpcMechanisms.For(IpcScheme.Fifo).Remove(address);
        }
    }

    private static double? RoundTrip(int count, (int, int) cores)
    {
        using var duplex = DuplexPipe.Create();
        var far = duplex.Far.Address;
        return ChannelLoads.RoundTrip(duplex.Near, duplex.Near, far.Text, far.Text, count, Size, cores, ChannelLoads.Framed);
    }
}
