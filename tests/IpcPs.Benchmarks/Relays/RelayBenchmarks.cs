using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Idle;

namespace IpcPs.Benchmarks.Relays;

/// <summary>A relay process between two streams, beside socat(1): its rate, and its processor time. socat gets buffers of 64 KiB, with
/// which it is faster than with its own 8 KiB.</summary>
internal sealed class RelayBenchmarks : IBenchmarkGroup
{
    private const int Piece = 64 * 1024;

    private static readonly (string Name, Func<RelayPlace> Create)[] Places =
    [
        ("unix stream to unix stream", static () => new RelayPlace("unix", "unix")),
        ("tcp to unix stream", static () => new RelayPlace("tcp", "unix")),
        ("fifo to unix stream", static () => new RelayPlace("fifo", "unix")),
    ];

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            foreach (var (name, create) in Places)
            {
                yield return new($"relay, {name}", "MB/s", 1, false, new("IpcPs, IpcRelay", () => Measure(create, ours: true)?.Rate),
                    new("socat", () => Measure(create, ours: false)?.Rate));
                yield return new($"processor time of a relay, {name}", "ms/GB", 1, true,
                    new("IpcPs, IpcRelay", () => Measure(create, ours: true)?.Processor),
                    new("socat", () => Measure(create, ours: false)?.Processor));
            }
        }
    }

    private static (double Rate, double Processor)? Measure(Func<RelayPlace> create, bool ours)
    {
        if (!ours && !File.Exists("/usr/bin/socat")) return null;
        using var place = create();
        using var relay = ours ? Peers.Start("relay", null, place.From, place.To) : null;
        using var socat = ours ? null : Process.Start("socat", ["-u", "-b", "65536", place.SocatFrom, place.SocatTo]);
        var (into, from) = place.Connect();
        using (into)
        using (from)
        {
            var total = (long)Settings.Count(16_384) * Piece;
            var id = relay?.ProcessId ?? socat!.Id;
            // So that neither is measured while it starts.
            Pass(into, from, total / 16);
            var before = ProcessCost.Processor(id);
            var clock = Stopwatch.StartNew();
            Pass(into, from, total);
            var seconds = clock.Elapsed.TotalSeconds;
            return (total / 1e6 / seconds, (ProcessCost.Processor(id) - before).TotalMilliseconds / (total / 1e9));
        }
    }

    private static void Pass(Stream into, Stream from, long total)
    {
        var sending = Task.Factory.StartNew(() =>
        {
            var piece = new byte[Piece];
            for (var left = total; left > 0; left -= piece.Length) into.Write(piece);
        }, TaskCreationOptions.LongRunning);
        var buffer = new byte[4 * Piece];
        for (var left = total; left > 0;)
        {
            var read = from.Read(buffer, 0, (int)Math.Min(left, buffer.Length));
            if (read == 0) throw new InvalidOperationException("The relay ended early.");
            left -= read;
        }
        sending.Wait();
    }
}

/// <summary>The two ends that a relay connects to, and the connections to them.</summary>
internal sealed class RelayPlace : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ipcps-bench-");
    private readonly Socket? _source;
    private readonly Socket _sink;

    public RelayPlace(string from, string to)
    {
        if (from == "fifo")
        {
            From = $"fifo:{_folder.FullName}/from";
            SocatFrom = $"PIPE:{_folder.FullName}/from";
            using var made = Process.Start("mkfifo", [_folder.FullName + "/from"]);
            made.WaitForExit();
        }
        else
        {
            _source = Listen(from, "from", out var ours, out var socat);
            (From, SocatFrom) = (ours, socat);
        }
        _sink = Listen(to, "to", out var oursTo, out var socatTo);
        (To, SocatTo) = (oursTo, socatTo);
    }

    public string From { get; }

    public string To { get; }

    public string SocatFrom { get; }

    public string SocatTo { get; }

    public (Stream Into, Stream From) Connect()
    {
        Stream into = _source is null
            ? new FileStream(From["fifo:".Length..], FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0)
            : new NetworkStream(_source.Accept(), ownsSocket: true);
        return (into, new NetworkStream(_sink.Accept(), ownsSocket: true));
    }

    public void Dispose()
    {
        _source?.Dispose();
        _sink.Dispose();
        _folder.Delete(recursive: true);
    }

    private Socket Listen(string kind, string name, out string ours, out string socat)
    {
        var isUnix = kind == "unix";
        var path = $"{_folder.FullName}/{name}";
        var socket = isUnix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(isUnix ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        (ours, socat) = isUnix ? ($"unix:{path}", $"UNIX-CONNECT:{path}") : ($"tcp:{socket.LocalEndPoint}", $"TCP:{socket.LocalEndPoint}");
        return socket;
    }
}
