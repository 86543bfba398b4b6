using System.Globalization;
using IpcPs.Measurement;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Receives a number of messages, some of them to warm up: <c>count ADDRESS WARM-UP N</c>.</summary>
internal sealed class CountingPeer : IPeer
{
    public string Name => "count";

    public void Run(string[] args)
    {
        using var channel = (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(args[0]), new OpenOptions { Access = IpcAccess.Read });
        Console.WriteLine("ready");
        ChannelLoad.Count(channel, int.Parse(args[1], CultureInfo.InvariantCulture));
        var count = int.Parse(args[2], CultureInfo.InvariantCulture);
        var clock = new ProcessorClock();
        ChannelLoad.Count(channel, count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"done {clock.PerMessage(count)}"));
    }
}
