using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using NetMQ;
using NetMQ.Sockets;

namespace IpcPs.Benchmarks.Rings;

/// <summary>NetMQ's push and pull sockets over the loopback: <c>netmq PORT COUNT</c>.</summary>
internal sealed class NetMQPeer : IPeer
{
    public string Name => "netmq";

    public static double? OneWay(int count, int size)
    {
        using var push = new PushSocket();
        var port = push.BindRandomPort("tcp://127.0.0.1");
        using var peer = Peers.Start(
            "netmq", null, port.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture));
        var start = Stopwatch.GetTimestamp();
        var payload = new byte[size];
        for (var i = 0; i < count; i++) push.SendFrame(payload);
        peer.Expect("done");
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Run(string[] args)
    {
        using var pull = new PullSocket($">tcp://127.0.0.1:{args[0]}");
        Console.WriteLine("ready");
        var message = new Msg();
        message.InitEmpty();
        for (var left = int.Parse(args[1], CultureInfo.InvariantCulture); left > 0; left--) pull.Receive(ref message);
        message.Close();
        Console.WriteLine("done");
    }
}
