using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Rings;

namespace IpcPs.Benchmarks.Rings;

/// <summary>Receives until the end: <c>drain ADDRESS</c>.</summary>
internal sealed class DrainPeer : IPeer
{
    public string Name => "drain";

    public void Run(string[] args)
    {
        using var ring = MessageRing.Open(IpcAddress.Parse(args[0]), IpcAccess.Read);
        var message = new MessageBuffer();
        Console.WriteLine("ready");
        var clock = new ProcessorClock();
        long received = 0;
        while (ring.Receive(message)) received++;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"done {clock.PerMessage(Math.Max(received, 1))}"));
    }
}

/// <summary>Sends a number of messages: <c>pour ADDRESS COUNT SIZE AT-ONCE</c>.</summary>
internal sealed class PourPeer : IPeer
{
    public string Name => "pour";

    public void Run(string[] args)
    {
        using var ring = MessageRing.Open(IpcAddress.Parse(args[0]), IpcAccess.Write);
        Console.WriteLine("ready");
        RingLoads.Pour(
            ring, int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture), args[3] == "1");
        Console.WriteLine("done");
    }
}
