using System.Globalization;
using IpcPs.Measurement;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Receives a number of messages: <c>count ADDRESS N</c>.</summary>
internal sealed class CountingPeer : IPeer
{
    public string Name => "count";

    public void Run(string[] args)
    {
        using var channel = (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(args[0]), new OpenOptions { Access = IpcAccess.Read });
        Console.WriteLine("ready");
        ChannelLoad.Count(channel, int.Parse(args[1], CultureInfo.InvariantCulture));
        Console.WriteLine("done");
    }
}
