using IpcPs.Benchmarks.Framework;

namespace IpcPs.Benchmarks.Sockets;

/// <summary>Unix stream sockets beside what other languages' users reach for: ZeroMQ over ipc, Python's multiprocessing.</summary>
internal sealed class SocketLibraryBenchmarks : IBenchmarkGroup
{
    private const string Kind = "stream";

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var messages = Settings.Count(1_000_000);
            var many = Settings.Count(5_000_000);
            var python = Settings.Count(200_000);
            var trips = Settings.Count(50_000);
            var pythonTrips = Settings.Count(20_000);
            yield return new("unix stream socket, one way, 100 bytes, many at once, beside ZeroMQ over ipc", "messages/s", 3, false,
                new("IpcPs, SendMany", () => SocketLoads.OneWay(Kind, many, atOnce: true)),
                new("ZeroMQ, push and pull", () => CPrograms.Run("zmq_oneway", $"{many}", $"{SocketLoads.Size}")));
            yield return new("unix stream socket, one way, 100 bytes, beside Python's multiprocessing", "messages/s", null, false,
                new("IpcPs, Send", () => SocketLoads.OneWay(Kind, messages, atOnce: false)),
                new("Python, send_bytes", () => PythonPrograms.Run("python_connection", "oneway", $"{python}", $"{SocketLoads.Size}")));
            yield return new("unix stream socket, round trip, 100 bytes, beside Python's multiprocessing", "us", null, true,
                new("IpcPs", () => SocketLoads.RoundTrip(Kind, trips, (0, 1))),
                new("Python, send_bytes", () =>
                PythonPrograms.Run("python_connection", "roundtrip", $"{pythonTrips}", $"{SocketLoads.Size}")));
        }
    }
}
