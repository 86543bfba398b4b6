using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using IpcPs.Benchmarks.Framework;

namespace IpcPs.Benchmarks.Sockets;

/// <summary>The same load with System.Net.Sockets: one blocking Send a message, Receives of what there is.</summary>
internal sealed class DotNetSockets : IPeer
{
    public string Name => "dotnet-socket";

    public static double? OneWay(string kind, int count, int size)
    {
        var path = Path.Combine(Path.GetTempPath(), $"ipcps-bench-{Guid.NewGuid():n}");
        EndPoint place = kind == "tcp" ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(path);
        using var listener = New(place.AddressFamily);
        listener.Bind(place);
        listener.Listen();
        var where = kind == "tcp" ? ((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture) : path;
        using var peer = Peers.Start("dotnet-socket", null, where, ((long)count * size).ToString(CultureInfo.InvariantCulture));
        using var connection = listener.Accept();
        if (kind == "tcp") connection.NoDelay = true;
        var payload = new byte[size];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++) connection.Send(payload);
        peer.Expect("done");
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Run(string[] args)
    {
        EndPoint place = int.TryParse(args[0], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? new IPEndPoint(IPAddress.Loopback, port) : new UnixDomainSocketEndPoint(args[0]);
        using var socket = New(place.AddressFamily);
        socket.Connect(place);
        var buffer = new byte[65536];
        Console.WriteLine("ready");
        for (var left = long.Parse(args[1], CultureInfo.InvariantCulture); left > 0;) left -= socket.Receive(buffer);
        Console.WriteLine("done");
    }

    private static Socket New(AddressFamily family) =>
        new(family, SocketType.Stream, family == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
}
